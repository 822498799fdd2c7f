import { LINE_COLOURS } from '../report/index.ts';

/** What samples add to the report's look. */
export const SAMPLES_STYLE = /* css */ `${LINE_COLOURS}
:root { --hatch: repeating-linear-gradient(45deg, transparent 0 5px, rgba(225,120,30,.55) 5px 8px); }
.index { display: flex; flex-wrap: wrap; gap: 6px; margin-top: 14px; } .index a { border: 1px solid var(--line); border-radius: 8px; padding: 3px 10px; color: var(--ink); text-decoration: none; font-size: 14px; } .index a:hover { border-color: var(--soft); }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); gap: 10px 22px; margin: 12px 0 0; } .facts div { min-width: 0; } .facts dt { color: var(--soft); font-size: 13px; } .facts dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
.sentence { font-size: 18px; margin: 6px 0 0; }
h3 { font-size: 15.5px; margin: 26px 0 2px; font-weight: 620; }
.views { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 320px), 1fr)); gap: 14px; margin-top: 8px; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 4px 8px; margin: 0; } .pair figcaption { grid-column: 1 / -1; font-weight: 600; font-size: 14px; } .pair small { color: var(--soft); font-size: 12.5px; }
.pic { position: relative; border-radius: 8px; overflow: hidden; background: var(--room); } .pic img { display: block; width: 100%; aspect-ratio: 1; image-rendering: pixelated; } .pic i { position: absolute; background: var(--hatch); }
.swatch { display: inline-block; width: 14px; height: 4px; border-radius: 2px; background: var(--c); vertical-align: middle; margin-right: 5px; }
.hatched { display: inline-block; width: 22px; height: 12px; border: 1px solid var(--line); background: var(--hatch); vertical-align: -1px; }
.part { border-top: 1px solid var(--line); padding: 14px 0 6px; } .part:first-of-type { border: 0; } .part h4 { margin: 0; font-size: 14.5px; font-weight: 620; } .part h4 span { color: var(--soft); font-weight: 400; }
.lines { display: flex; flex-wrap: wrap; gap: 2px 14px; font-size: 12.5px; color: var(--soft); margin: 2px 0 6px; }
.two { display: grid; grid-template-columns: 1fr 1fr; gap: 6px 22px; } .two p { margin: 0; font-size: 12.5px; color: var(--soft); }
.plot { width: 100%; height: auto; display: block; font: 11px ui-sans-serif, system-ui, sans-serif; } .plot text { fill: var(--soft); } .plot .frame { fill: none; stroke: var(--line); } .plot .band { fill: var(--other-soft); } .plot .padding { fill: url(#hatch); } #hatch rect { fill: rgba(225,120,30,.4); } .plot .grid { stroke: var(--line); stroke-dasharray: 3 3; } .plot path { fill: none; stroke: var(--c); stroke-width: 1.7; stroke-linejoin: round; }
.state td { font-size: 13.5px; padding: 4px 12px 4px 0; } .state .meter { position: relative; display: block; width: 120px; height: 10px; border-radius: 4px; background: linear-gradient(90deg, transparent calc(50% - .5px), var(--soft) calc(50% - .5px) calc(50% + .5px), transparent calc(50% + .5px)) , var(--other-soft); } .state .meter b { position: absolute; top: 0; bottom: 0; border-radius: 3px; background: var(--accent); } .state .meter b.far { background: var(--warn); }
.columns { columns: 2; column-gap: 34px; } .columns table { break-inside: avoid; }
.fold summary { cursor: pointer; color: var(--soft); font-size: 14.5px; margin-top: 18px; }
@media (max-width: 760px) { .two { grid-template-columns: 1fr; } .columns { columns: 1; } .state td { padding: 2px 0; } }
@media print { .index { display: none; } }
`;

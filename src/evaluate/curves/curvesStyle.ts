import { LINE_COLOURS } from '../report/index.ts';

/** What the charts add to the report's look. */
export const CURVES_STYLE = /* css */ `${LINE_COLOURS}
.bar { position: sticky; top: 0; z-index: 3; background: var(--paper); border-bottom: 1px solid var(--line); padding: 10px 0; margin-top: 22px; display: flex; flex-wrap: wrap; gap: 8px 18px; align-items: center; font-size: 14px; }
.runs { display: flex; flex-wrap: wrap; gap: 6px; } .runs button { display: inline-flex; align-items: center; gap: 7px; max-width: 260px; } .runs button span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; } .runs button[aria-pressed=false] { opacity: .45; text-decoration: line-through; }
.swatch { flex: none; display: inline-block; width: 14px; height: 4px; border-radius: 2px; background: var(--c); }
.bar label { display: inline-flex; align-items: center; gap: 8px; color: var(--soft); } .bar input[type=range] { width: 120px; accent-color: var(--accent); } .bar input[type=checkbox] { accent-color: var(--accent); width: 16px; height: 16px; } .bar output { min-width: 3ch; color: var(--ink); }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 330px), 1fr)); gap: 14px; margin-top: 12px; }
.chart { background: var(--card); border-radius: 14px; box-shadow: var(--shadow); padding: 14px 16px 10px; min-width: 0; position: relative; } .chart h3 { margin: 0; font-size: 15px; font-weight: 620; overflow-wrap: anywhere; } .chart p { margin: 0 0 4px; font-size: 12.5px; line-height: 1.4; color: var(--soft); min-height: 1.4em; }
.chart svg { display: block; width: 100%; height: 190px; overflow: visible; touch-action: pan-y; font: 11px ui-sans-serif, system-ui, sans-serif; } .chart svg:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 6px; }
.chart text { fill: var(--soft); } .chart .grid { stroke: var(--line); } .chart .cross { stroke: var(--soft); stroke-dasharray: 2 3; } .chart path { fill: none; stroke: var(--c); stroke-linejoin: round; } .chart .raw { stroke-width: 1; opacity: .28; } .chart .smooth { stroke-width: 1.9; } .chart .dots { stroke-width: 1.2; stroke-dasharray: 4 3; } .chart circle { fill: var(--card); stroke: var(--c); stroke-width: 1.7; } .chart .at { fill: var(--c); }
.tip { position: absolute; z-index: 2; pointer-events: none; background: var(--card); border: 1px solid var(--line); border-radius: 8px; box-shadow: var(--shadow); padding: 6px 9px; font-size: 12.5px; line-height: 1.45; max-width: 92%; } .tip b { font-weight: 620; } .tip div { display: flex; gap: 7px; align-items: center; } .tip .name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; max-width: 17ch; } .tip .value { margin-left: auto; padding-left: 8px; white-space: nowrap; }
.fold { margin-top: 56px; } .fold > summary { cursor: pointer; font-size: 20px; letter-spacing: -.01em; font-weight: 620; } .fold > summary::marker { color: var(--soft); } .fold > .note { margin-top: 4px; }
td.name { overflow-wrap: anywhere; min-width: 12ch; } td .swatch { margin-right: 8px; vertical-align: middle; } td.setting { overflow-wrap: anywhere; } td details { max-width: 46ch; overflow-wrap: anywhere; } td summary { cursor: pointer; }
@media (max-width: 640px) { .bar { gap: 8px 12px; } .bar input[type=range] { width: 96px; } .runs { flex-wrap: nowrap; overflow-x: auto; max-width: 100%; } }
@media print { .bar label { display: none; } .bar { position: static; } .chart { box-shadow: none; border: 1px solid var(--line); break-inside: avoid; } }
`;

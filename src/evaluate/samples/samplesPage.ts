import { basename } from 'node:path';
import sharp from 'sharp';
import { deltaChunk } from '../../action/index.ts';
import { escapeHtml, native, significant } from '../../base/index.ts';
import { pictureSize } from '../../data/index.ts';
import type { Robot } from '../../robot/index.ts';
import type { SeenSamples } from '../../train/index.ts';
import { columnWords, words } from '../figures/index.ts';
import { dataTable, STYLE, THEME } from '../report/index.ts';
import { HATCH, linePlot } from './linePlot.ts';
import { SAMPLES_STYLE } from './samplesStyle.ts';

/** What else the page says: the command's words for where numbers come from. */
export interface SampleNote {
  /** Where the statistics come from, as a sentence ends: "… of this data set". */
  readonly statistics: string;
  /** The configuration's name. */
  readonly config: string;
  readonly seed: number;
}

/** Deviations at the end of a meter; what is farther is marked. */
const FAR = 3;

/** Samples as a network in training sees them, as a page that asks nothing of any network. */
export async function samplesPage(seen: SeenSamples, note: SampleNote): Promise<string> {
  const { set, robot, config, raw } = seen;
  const name = basename(set.root);
  const sections: string[] = [];
  for (let b = 0; b < raw.size; b++) sections.push(await section(seen, b));
  const links = seen.episodes.map(
    ({ index }, b) => `<a href="#sample-${b + 1}">episode ${index}, frame ${raw.source.frame[b]}</a>`,
  );
  const { actionDim, actionHorizon, imageSize } = config.model;
  const padding =
    actionDim > robot.width
      ? ` The network’s rows have ${actionDim} numbers, the robot’s ${robot.width}; the last ${actionDim - robot.width} are padding, always 0.`
      : '';
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Valet samples: ${escapeHtml(name)}</title>
<link rel="icon" href="data:,"><style>${STYLE}${SAMPLES_STYLE}</style></head><body>${HATCH}<main>
<div class="top"><span><b>Valet</b> · training samples</span><button data-theme-button>Light / dark</button></div>
<h1>${escapeHtml(name)}: what the network sees</h1>
<p class="lead">One sample is one moment of a demonstration: the pictures and the state of the robot then, and the ${actionHorizon} actions that followed (${seconds(actionHorizon, robot)} at ${robot.rate} Hz). From the first, the network learns to say the second. Here are ${raw.size}, first as they are in the data, then as training hands them over.</p>
<p class="note">Pictures are scaled to ${imageSize} × ${imageSize}${augmentations(config)}. Numbers become deviations from the mean: ±1 is usual, beyond ±${FAR} is rare. Mean and deviation are ${escapeHtml(note.statistics)}.${padding} Configuration ${escapeHtml(note.config)}, seed ${note.seed}.</p>
<nav class="index" aria-label="Samples">${links.join('')}</nav>
${sections.join('\n')}
<footer><p><span class="hatched"></span> marks padding: the edges of pictures that are not square, and numbers that the robot does not have. ${config.endPadding ? 'Steps of a chunk behind the end of its episode, which repeat the last action, are padding, too.' : 'A chunk never reaches behind the end of its episode, so none of its steps is padding.'}</p></footer>
</main>
<script type="module">${THEME}document.querySelector('[data-theme-button]').onclick = changeTheme;</script>
</body></html>
`;
}

const seconds = (steps: number, { rate }: Robot): string => `${significant(steps / rate, 2)} s`;

/** How the pictures of one sample differ each time that it is drawn. */
function augmentations({ pictures, stateNoise, stageNoise }: SeenSamples['config']): string {
  const colours = pictures.colour === 'hsv' && pictures.colourShare < 1;
  const parts = [
    pictures.crop < 1 && `the part that is kept (${significant(100 * pictures.crop)} % of each side, no wrist camera)`,
    pictures.rotate > 0 && `the angle by up to ${significant(pictures.rotate)}° (no wrist camera)`,
    pictures.brightness > 0 && `brightness by up to ${significant(100 * pictures.brightness)} %`,
    pictures.contrast > 0 && `contrast by up to ${significant(100 * pictures.contrast)} %`,
    pictures.hue > 0 && `hue by up to ${significant(360 * pictures.hue)}°`,
    pictures.saturation > 0 && `saturation by up to ${significant(100 * pictures.saturation)} %`,
    colours && `colours in ${significant(100 * pictures.colourShare)} % of pictures only`,
    pictures.noise > 0 && `each pixel by noise of ${significant(pictures.noise)} of 255 levels`,
  ].filter((part) => part !== false);
  const look = parts.length === 0 ? ', and not changed further' : `; at each draw chance changes ${parts.join(', ')}`;
  const state = stateNoise > 0 ? `. The state gets noise of ${significant(stateNoise)} deviations` : '';
  const stage = stageNoise > 0 ? `. In ${significant(100 * stageNoise)} % of draws a neighbouring stage is told` : '';
  return `${look}${state}${stage}`;
}

async function section(seen: SeenSamples, b: number): Promise<string> {
  const { set, config, raw, batch, episodes } = seen;
  const episode = episodes[b];
  if (!episode) return '';
  const frame = raw.source.frame[b] as number;
  const task = raw.taskId[b] as number;
  const [stage, told] = [raw.stage[b] as number, batch.toldStage[b] as number];
  const stages = config.model.taskNumStages[task] ?? 1;
  const padded = paddedSteps(seen, b);
  const facts = [
    ['moment', `${significant(frame / set.fps, 3)} s of ${significant(episode.length / set.fps, 3)} s`],
    ['frame', `${frame} of ${episode.length}`],
    ['task', `${set.tasks.get(task)?.name ?? 'task'} (number ${task})`],
    ['stage', `${stage + 1} of ${stages}`],
    ...(padded > 0 ? [['padding', `the last ${padded} of ${config.model.actionHorizon} actions`] as const] : []),
    ...(told === stage ? [] : [['stage that the network is told', `${told + 1}: by chance a neighbouring one`]]),
  ] as const;
  return `<h2 id="sample-${b + 1}">Episode ${episode.index}, frame ${frame}</h2>
<div class="panel"><p class="sentence">“${escapeHtml(set.tasks.get(task)?.instruction ?? episode.instruction)}”</p>
<dl class="facts">${facts.map(([name, value]) => `<div><dt>${name}</dt><dd>${escapeHtml(value)}</dd></div>`).join('')}</dl>
<h3>Pictures</h3><div class="views">${(await pictures(seen, b)).join('')}</div>
<h3>The ${config.model.actionHorizon} actions</h3>${charts(seen, b).join('')}
<details class="fold"><summary>State, number by number</summary><div class="columns">${stateTables(seen, b)}</div></details></div>`;
}

/** Actions of a chunk behind the end of its episode. */
const paddedSteps = ({ config, raw, episodes }: SeenSamples, b: number): number =>
  Math.max(0, (raw.source.frame[b] ?? 0) + config.model.actionHorizon - (episodes[b]?.length ?? 0));

/** Of each camera: the picture in the network's size, and the same as it is handed over. */
async function pictures({ set, robot, config, raw, batch }: SeenSamples, b: number): Promise<string[]> {
  const { imageSize: side, cameras } = config.model;
  const bytes = side * side * 3;
  return Promise.all(
    cameras.map(async (camera, c) => {
      const place = robot.cameraNames.indexOf(camera);
      const was = await image(raw.pictures, (b * robot.cameras.length + place) * bytes, side);
      const now = await image(batch.images, (b * cameras.length + c) * bytes, side);
      const size = pictureSize(set.info, set.cameraFeature(camera));
      const bars = size ? edges(size).map((style) => `<i style="${style}"></i>`) : [];
      const told = size ? `${size.width} × ${size.height} in the data` : 'in the data';
      const one = (source: string, alt: string, marks: string) =>
        `<div class="pic"><img alt="${escapeHtml(alt)}" src="${source}">${marks}</div>`;
      const name = words(camera);
      return (
        `<figure class="pair"><figcaption>${escapeHtml(name)}</figcaption>` +
        `${one(was, `${name}, scaled`, bars.join(''))}${one(now, `${name}, as the network sees it`, '')}` +
        `<small>${told}</small><small>as the network sees it</small></figure>`
      );
    }),
  );
}

async function image(pixels: Uint8Array, from: number, side: number): Promise<string> {
  const raw = { width: side, height: side, channels: 3 as const };
  const png = await native(() =>
    sharp(pixels.subarray(from, from + 3 * side * side), { raw })
      .png({ compressionLevel: 9 })
      .toBuffer(),
  );
  return `data:image/png;base64,${png.toString('base64')}`;
}

/** Where a picture that is not square was padded. */
function edges({ width, height }: { readonly width: number; readonly height: number }): string[] {
  const side = Math.max(width, height);
  const [x, y] = [(50 * (side - width)) / side, (50 * (side - height)) / side];
  if (x > 0) return [`left:0;top:0;bottom:0;width:${x}%`, `right:0;top:0;bottom:0;width:${x}%`];
  return y > 0 ? [`left:0;right:0;top:0;height:${y}%`, `left:0;right:0;bottom:0;height:${y}%`] : [];
}

/** Of each part of the robot: its actions as they are recorded, and as the network learns them. */
function charts(sample: SeenSamples, b: number): string[] {
  const { robot, config, raw, batch } = sample;
  const { actionHorizon: horizon, actionDim: padded } = config.model;
  const { width } = robot;
  const chunk = raw.actions.subarray(b * horizon * width, (b + 1) * horizon * width);
  const deltas = deltaChunk(chunk, raw.state.subarray(b * width, (b + 1) * width), robot);
  const seen = batch.actions.subarray(b * horizon * padded, (b + 1) * horizon * padded);
  return robot.parts.map(({ name, unit, columns: [first, end] }) => {
    const columns = Array.from({ length: end - first }, (_, i) => first + i);
    const lines = (values: ArrayLike<number>, row: number) =>
      columns.map((d) => Array.from({ length: horizon }, (_, t) => values[t * row + d] as number));
    const isRelative = columns.some((d) => robot.deltaMask[d]);
    const keys = columns.map(
      (d, i) =>
        `<span><i class="swatch" style="--c:var(--run${i % 8})"></i>${escapeHtml(columnWords(robot, d))}</span>`,
    );
    const about = { end: `${seconds(horizon, robot)} ahead`, padded: paddedSteps(sample, b) };
    const title = words(name);
    const before = linePlot({ ...about, title: `${title} as recorded, in ${unit}`, lines: lines(chunk, width) });
    const after = linePlot({ ...about, title: `${title} as learned`, lines: lines(seen, padded), deviations: true });
    const most = Math.max(0, ...lines(deltas, width).flat().map(Math.abs).filter(Number.isFinite));
    const way = isRelative ? `; learned relative to the state now, at most ${significant(most, 2)} away` : '';
    return (
      `<section class="part"><h4>${escapeHtml(title)} <span>${escapeHtml(unit + way)}</span></h4>` +
      `<div class="lines">${keys.join('')}</div><div class="two">` +
      `<div><p>before: as recorded, in ${escapeHtml(unit)}</p>${before}</div>` +
      `<div><p>after: deviations from the mean of each step</p>${after}</div></div></section>`
    );
  });
}

/** A table of the state for each part: the number in its unit, and how far it is from its mean. */
function stateTables({ robot, config, raw, batch }: SeenSamples, b: number): string {
  const { width } = robot;
  const { actionDim: padded } = config.model;
  const tables = robot.parts.map(({ unit, columns: [first, end] }) => {
    const rows = Array.from({ length: end - first }, (_, i) => {
      const d = first + i;
      const [value, seen] = [raw.state[b * width + d] as number, batch.state[b * padded + d] as number];
      const name = escapeHtml(columnWords(robot, d));
      return [name, `${significant(value, 4)} ${escapeHtml(unit)}`, `${significant(seen, 3)} ${meter(seen)}`];
    });
    return `<div class="state">${dataTable(['state', 'in the data', 'deviations'], rows)}</div>`;
  });
  const rest = padded - width;
  if (rest > 0)
    tables.push(
      `<p class="note"><span class="hatched"></span> ${rest} more numbers of the network’s ${padded}: 0.</p>`,
    );
  return tables.join('');
}

function meter(deviations: number): string {
  if (!Number.isFinite(deviations)) return '';
  const share = (50 * Math.min(FAR, Math.abs(deviations))) / FAR;
  const from = deviations < 0 ? 50 - share : 50;
  const far = Math.abs(deviations) > FAR ? ' class="far"' : '';
  return `<span class="meter"><b${far} style="left:${significant(from, 4)}%;width:${significant(share, 4)}%"></b></span>`;
}

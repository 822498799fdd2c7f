import { join } from 'node:path';
import sharp from 'sharp';
import type { ChunkStatistics } from '../action/index.ts';
import { escapeHtml, native, significant, writeFileAside } from '../base/index.ts';
import type { RawBatch } from '../data/index.ts';
import { dimensionName, type Robot } from '../robot/index.ts';
import type { TrainingBatch } from './batch.ts';

/** Samples that a page shows: those that lie farthest from the mean come first. */
const SHOWN = 8;
/** Numbers that are named of each. */
const NUMBERS = 6;

/** A number of a sample as the network sees it. */
interface SeenNumber {
  readonly name: string;
  /** In the data's unit. */
  readonly raw: number;
  /** Deviations from the mean. */
  readonly normalised: number;
}

export interface SamplePage {
  readonly title: string;
  /** What happened, and by which rule: lines of text. */
  readonly lines: readonly string[];
  readonly batch: TrainingBatch;
  readonly raw: RawBatch;
  /** Of each sample. */
  readonly names: readonly string[];
}

/** What the pages of a run have in common. */
export interface PageContext {
  readonly robot: Robot;
  /** That the network sees, in its order. */
  readonly cameras: readonly string[];
  readonly imageSize: number;
  readonly statistics: ChunkStatistics;
}

/** Writes a page of its own (no other file, no script) with a batch's samples as the network saw them. */
export async function writeSamplePage(path: string, page: SamplePage, context: PageContext): Promise<void> {
  const { title, lines, batch, raw, names } = page;
  const seen = Array.from({ length: raw.size }, (_, b) => ({ b, numbers: farthest(batch, raw, b, context) }));
  seen.sort((x, y) => Math.abs(y.numbers[0]?.normalised ?? 0) - Math.abs(x.numbers[0]?.normalised ?? 0) || x.b - y.b);
  const shown = await Promise.all(seen.slice(0, SHOWN).map((one) => section(one, page, context)));
  const rest = names.length > SHOWN ? `<h2>All samples of the batch</h2><ol>${list(names)}</ol>` : '';
  await writeFileAside(
    path,
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escapeHtml(title)}</title>
<style>body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:60em;padding:0 1em}
figure{display:inline-block;margin:0 1em 0 0}img{width:160px;height:160px;image-rendering:pixelated;background:#ddd}
td,th{padding:0 1em 0 0;text-align:right}td:first-child,th:first-child{text-align:left}</style>
<h1>${escapeHtml(title)}</h1>
${lines.map((line) => `<p>${escapeHtml(line)}</p>`).join('\n')}
${shown.join('\n')}
${rest}
</html>
`,
  );
}

const list = (names: readonly string[]): string => names.map((name) => `<li>${escapeHtml(name)}</li>`).join('');

async function section(
  { b, numbers }: { b: number; numbers: readonly SeenNumber[] },
  { batch, names }: SamplePage,
  { cameras, imageSize }: PageContext,
): Promise<string> {
  const bytes = imageSize * imageSize * 3;
  const figures = await Promise.all(
    cameras.map(async (camera, c) => {
      const at = (b * cameras.length + c) * bytes;
      const raw = { width: imageSize, height: imageSize, channels: 3 as const };
      const pixels = batch.images.subarray(at, at + bytes);
      const png = await native(() => sharp(pixels, { raw }).png().toBuffer());
      const source = `data:image/png;base64,${png.toString('base64')}`;
      return `<figure><img alt="" src="${source}"><figcaption>${escapeHtml(camera)}</figcaption></figure>`;
    }),
  );
  const rows = numbers.map(
    ({ name, raw, normalised }) =>
      `<tr><td>${escapeHtml(name)}</td><td>${significant(raw, 4)}</td><td>${significant(normalised, 4)}</td></tr>`,
  );
  return `<h2>${escapeHtml(names[b] ?? '')}</h2>
<p>task ${batch.task[b]}, stage ${batch.stage[b]} (told ${batch.toldStage[b]})</p>
${figures.join('')}
<table><tr><th>farthest numbers</th><th>in the data</th><th>deviations from the mean</th></tr>${rows.join('')}</table>`;
}

/** The numbers of sample `b` that lie farthest from their mean; of each dimension the farthest of its chunk. */
function farthest(batch: TrainingBatch, raw: RawBatch, b: number, { robot, statistics }: PageContext): SeenNumber[] {
  const { width } = robot;
  const padded = statistics.width;
  const all: SeenNumber[] = [];
  const [chunk, seen] = [raw.actions.length / raw.size, batch.actions.length / raw.size];
  for (let d = 0; d < width; d++) {
    all.push({
      name: `state ${dimensionName(robot, d)}`,
      raw: raw.state[b * width + d] as number,
      normalised: batch.state[b * padded + d] as number,
    });
    let at = 0;
    for (let row = 1; row < chunk / width; row++)
      if (beyond(batch.actions[b * seen + row * padded + d], batch.actions[b * seen + at * padded + d])) at = row;
    all.push({
      name: `action ${dimensionName(robot, d)}, ${at} steps ahead`,
      raw: raw.actions[b * chunk + at * width + d] as number,
      normalised: batch.actions[b * seen + at * padded + d] as number,
    });
  }
  return all.sort((x, y) => (beyond(x.normalised, y.normalised) ? -1 : 1)).slice(0, NUMBERS);
}

/** Farther from zero; what is no number is farthest. */
function beyond(a = 0, b = 0): boolean {
  const size = (x: number) => (Number.isNaN(x) ? Number.POSITIVE_INFINITY : Math.abs(x));
  return size(a) > size(b);
}

/** Where a run's pages lie. */
export const pagePath = (run: string, name: string): string => join(run, 'guard', `${name}.html`);

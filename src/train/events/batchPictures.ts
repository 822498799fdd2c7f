import sharp from 'sharp';
import { native } from '../../base/index.ts';
import { pixelText } from '../../picture/index.ts';
import type { TrainingBatch } from '../batch.ts';
import type { EventPicture } from './eventFile.ts';

/** Samples of a batch that are shown. */
const MOST_SAMPLES = 8;
/** Cameras' pictures are magnified to this side at least, by whole numbers. */
const SMALLEST_SIDE = 128;
const CAPTION = 22;
const MARGIN = 3;

/** What the words below a picture are made from. */
export interface BatchWords {
  readonly cameras: readonly string[];
  /** Names of tasks by id. */
  readonly taskNames: ReadonlyMap<number, string>;
}

/**
 * The first samples of a batch as the network sees them, with jitter and noise: a picture for each, its cameras side by
 * side, with task and stage below. Keys sort as the batch does.
 */
export async function batchPictures(
  { images, task, stage, toldStage }: TrainingBatch,
  { cameras, taskNames }: BatchWords,
): Promise<Record<string, EventPicture>> {
  const side = Math.sqrt(images.length / (task.length * cameras.length * 3));
  const bytes = side * side * 3;
  const count = Math.min(MOST_SAMPLES, task.length);
  const shown = await Promise.all(
    Array.from({ length: count }, async (_, b): Promise<[string, EventPicture]> => {
      const told = toldStage[b] === stage[b] ? '' : ` told ${toldStage[b]}`;
      const lines = [`${taskNames.get(task[b] as number) ?? `task ${task[b]}`}`, `stage ${stage[b]}${told}`];
      const at = b * cameras.length;
      const pictures = cameras.map((name, c) => ({
        name,
        pixels: images.subarray((at + c) * bytes, (at + c + 1) * bytes),
      }));
      return [`first_batch/sample_${b}`, await captioned(pictures, side, lines)];
    }),
  );
  return Object.fromEntries(shown);
}

/** Square pictures side by side, names above them, lines of words below. */
async function captioned(
  pictures: readonly { readonly name: string; readonly pixels: Uint8Array }[],
  side: number,
  lines: readonly string[],
): Promise<EventPicture> {
  const large = side * Math.ceil(SMALLEST_SIDE / side);
  const words = (text: string, left: number, top: number) => {
    const { data, width, height } = pixelText(text);
    return { input: Buffer.from(data), raw: { width, height, channels: 3 as const }, left, top };
  };
  const longest = Math.max(...lines.map((line) => pixelText(line).width));
  const names = Math.max(...pictures.map(({ name }) => pixelText(name).width));
  const column = Math.max(large, names + 2 * MARGIN);
  const width = Math.max(pictures.length * column, longest + 2 * MARGIN);
  const height = CAPTION + large + lines.length * CAPTION;
  const tiles = await Promise.all(
    pictures.map(async ({ pixels }, c) => ({
      input: await native(() =>
        sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
          .resize(large, large, { kernel: 'nearest' })
          .raw()
          .toBuffer(),
      ),
      raw: { width: large, height: large, channels: 3 as const },
      left: c * column,
      top: CAPTION,
    })),
  );
  const labels = [
    ...pictures.map(({ name }, c) => words(name, c * column + MARGIN, MARGIN)),
    ...lines.map((line, i) => words(line, MARGIN, CAPTION + large + i * CAPTION + MARGIN)),
  ];
  const canvas = sharp({ create: { width, height, channels: 3, background: '#000' } }).composite([...tiles, ...labels]);
  return { width, height, png: await native(() => canvas.removeAlpha().png().toBuffer()) };
}

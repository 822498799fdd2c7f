import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ValetError } from '../../base/index.ts';
import { type Dataset, decodeFrames, openDataset, probeVideo, readColumns } from '../../data/index.ts';
import type { NdArray } from '../../tensor/index.ts';
import { compareArrays, compareExactly, type Outcome, toleranceOf, UnknownQuantity, worstOf } from '../compare.ts';
import { type GoldenCase, numbers, rowOf } from '../goldenCase.ts';
import type { Check } from '../kind.ts';
import type { Quantity } from '../manifest.ts';

type Camera = Dataset['cameras'][number];

/**
 * Real LeRobot data sets: the columns of every episode, pictures and luma planes, single files in many encodings, and
 * the official converter's output.
 */
export function dataset(golden: GoldenCase): Check {
  const open = (key: string, fallback: string) =>
    golden.once(`open ${key}`, () => openDataset(golden.path(String(golden.config[key] ?? fallback))));
  return async (quantity) => {
    switch (quantity.name) {
      case 'values':
        return values(golden, quantity, await open('root', 'dataset'));
      case 'frames':
      case 'frames_rgb':
      case 'frames_luma':
        return pictures(golden, quantity, await open('root', 'dataset'));
      case 'variants_rgb':
      case 'variants_luma':
        return variants(golden, quantity);
      case 'frame_numbers':
        return frameNumbers(golden, quantity);
      case 'converted':
        return converted(golden, quantity, await open('converted_root', 'converted'));
      case 'chunk':
        return chunkAtEnd(golden, quantity, await open('root', 'dataset'));
      case 'lookup':
        return lookup(golden, quantity, await open('root', 'dataset'));
      case 'parquet_variants':
        if (!existsSync(golden.path('parquet-variants')))
          throw new UnknownQuantity('dataset', 'the parquet variants are not in this copy of the case.');
        return parquetVariants(golden, quantity);
      default:
        throw new UnknownQuantity('dataset', `${quantity.name} is not built.`);
    }
  };
}

function episodeOf(data: Dataset, name: string) {
  const episode = data.episodes.find(({ index }) => index === Number(name));
  if (!episode) throw new ValetError('dataset', `has no episode ${name}.`);
  return episode;
}

/** Every `<episode>/<column>` of the expected file. */
async function values(golden: GoldenCase, quantity: Quantity, data: Dataset): Promise<Outcome> {
  const parts: [string, Outcome][] = [];
  for (const [name, expected] of await golden.tensors(quantity.file)) {
    const match = /^(\d+)\/([^/]+)$/.exec(name);
    if (!match || match[2] === 'indices') continue;
    const column = match[2]!;
    const columns = await data.columns(episodeOf(data, match[1]!), [column]);
    parts.push([name, compareArrays(columns[column]!.data, expected, { absolute: quantity.tolerance_absolute ?? 0 })]);
  }
  return worstOf(parts);
}

/** Mean of the absolute differences of each picture. */
function meanDifferences(
  name: string,
  frames: readonly Uint8Array[],
  expected: Outcome['tolerance'],
  golden: ArrayLike<number>[],
): [string, Outcome][] {
  return frames.map((frame, i) => {
    const target = golden[i]!;
    if (frame.length !== target.length)
      throw new ValetError(name, `a picture of ${frame.length} bytes (expected ${target.length}).`);
    let sum = 0;
    for (let k = 0; k < frame.length; k++) sum += Math.abs(frame[k]! - target[k]!);
    return [`${name} picture ${i}`, { error: sum / frame.length, tolerance: expected }];
  });
}

/** Pictures against the golden ones: the mean of the differences for RGB, every bit for luma. */
function comparePictures(name: string, frames: readonly Uint8Array[], expected: NdArray, quantity: Quantity) {
  if (quantity.tolerance_mean_abs === undefined)
    return frames.map((frame, i): [string, Outcome] => [
      `${name} picture ${i}`,
      compareArrays(frame, rowOf(expected, i), toleranceOf(quantity)),
    ]);
  const rows = frames.map((_, i) => numbers(rowOf(expected, i)));
  return meanDifferences(name, frames, quantity.tolerance_mean_abs, rows);
}

const pixelsOf = ({ name }: Quantity) => (name.endsWith('luma') ? 'luma' : 'rgb');

/** `<episode>/<camera>/rgb` (or `luma`) at `<episode>/<camera>/indices` or `<episode>/indices`. */
async function pictures(golden: GoldenCase, quantity: Quantity, data: Dataset): Promise<Outcome> {
  const parts: [string, Outcome][] = [];
  const tensors = await golden.tensors(quantity.file);
  const pixels = pixelsOf(quantity);
  for (const [name, expected] of tensors) {
    const match = /^(\d+)\/([^/]+)\/(rgb|luma)$/.exec(name);
    if (match?.[3] !== pixels) continue;
    const listed =
      tensors.get(`${match[1]}/${match[2]}/indices`) ?? (await golden.tensor(quantity.file, `${match[1]}/indices`));
    const indices = Array.from(numbers(listed));
    const [episode, camera] = [episodeOf(data, match[1]!), match[2] as Camera];
    if (pixels === 'rgb') {
      parts.push(...comparePictures(name, (await data.frames(episode, camera, indices)).frames, expected, quantity));
      continue;
    }
    const { path, startSeconds } = data.video(episode, camera);
    const { frames } = decodeFrames(path, indices, { fps: data.fps, startSeconds, pixels });
    parts.push(...comparePictures(name, frames, expected, quantity));
  }
  return worstOf(parts);
}

/** Pictures of videos of other codecs and key frames: `<name>/rgb_of_first_N`, `<name>/rgb`, `<name>/luma`. */
async function variants(golden: GoldenCase, quantity: Quantity): Promise<Outcome> {
  const parts: [string, Outcome][] = [];
  const pixels = pixelsOf(quantity);
  for (const [name, expected] of await golden.tensors(quantity.file)) {
    const match = /^(.+)\/(rgb|luma)(?:_of_first_\d+)?$/.exec(name);
    if (match?.[2] !== pixels) continue;
    const path = golden.path(join(CODEC_VARIANTS, `${match[1]}.mp4`));
    if (!existsSync(path)) {
      if (await isListed(golden, path)) throw new ValetError('dataset', `${path} is missing.`);
      continue;
    }
    const listed = numbers(await golden.tensor(quantity.file, `${match[1]}/indices`));
    const indices = Array.from(listed).slice(0, expected.shape[0]!);
    const { frames } = decodeFrames(path, indices, { fps: fpsOf(golden), pixels });
    parts.push(...comparePictures(name, frames, expected, quantity));
  }
  return worstOf(parts);
}

const CODEC_VARIANTS = 'codec-variants';
const fpsOf = ({ config }: GoldenCase) => (typeof config['fps'] === 'number' ? config['fps'] : 30);

/** Whether the manifest says that the case holds this file; a copy may have left it out and said so. */
async function isListed({ manifest, folder }: GoldenCase, path: string): Promise<boolean> {
  return Array.isArray(manifest.files) && manifest.files.some((file) => join(folder, String(file)) === path);
}

interface Videos {
  readonly [group: string]: Readonly<Record<string, { readonly file: string; readonly frames: number }>>;
}

/**
 * Every frame of every listed video that is there shows its own number; pictures that are not square are crops and show
 * none.
 */
async function frameNumbers(golden: GoldenCase, quantity: Quantity): Promise<Outcome> {
  const pairs: { what: string; got: unknown; expected: unknown }[] = [];
  for (const group of Object.values(await golden.json<Videos>(quantity.file)))
    for (const { file, frames } of Object.values(group)) {
      const path = golden.path(file);
      if (!existsSync(path) && !(await isListed(golden, path))) continue;
      const video = probeVideo(path);
      pairs.push({ what: `${file} frames`, got: video.frames, expected: frames });
      if (video.width !== video.height) continue;
      const all = Array.from({ length: frames }, (_, i) => i);
      const decoded = decodeFrames(path, all, { fps: fpsOf(golden), pixels: 'luma' });
      decoded.frames.forEach((luma, i) => {
        pairs.push({ what: `${file} frame ${i}`, got: frameNumberIn(luma, decoded.width), expected: i });
      });
    }
  if (pairs.length === 0) throw new UnknownQuantity('dataset', 'none of the videos is in this copy of the case.');
  return compareExactly(pairs);
}

/**
 * The number that a picture shows: 16 squares of an eighth of its side, two rows of eight at the top, bit b at row b/8,
 * column b mod 8, white = 1.
 */
function frameNumberIn(luma: Uint8Array, side: number): number {
  let number = 0;
  for (let bit = 0; bit < 16; bit++) {
    const x = Math.floor((((bit % 8) + 0.5) * side) / 8);
    const y = Math.floor(((Math.floor(bit / 8) + 0.5) * side) / 8);
    if (luma[y * side + x]! > 127) number += 2 ** bit;
  }
  return number;
}

/** The first rows of a column, from every file in parquet-variants: all hold the same values. */
async function parquetVariants(golden: GoldenCase, quantity: Quantity): Promise<Outcome> {
  const tensor = quantity.tensor ?? '';
  const column = tensor.slice(tensor.lastIndexOf('/') + 1);
  const expected = await golden.tensor(quantity.file, tensor);
  const parts: [string, Outcome][] = [];
  for (const file of (await readdir(golden.path('parquet-variants'))).sort()) {
    if (!file.endsWith('.parquet')) continue;
    const { data, rows, width } = (await readColumns(golden.path(join('parquet-variants', file)), [column]))[column]!;
    const target = {
      ...expected,
      shape: expected.shape.length > 1 ? [rows, width] : [rows],
      data: expected.data.subarray(0, rows * width) as NdArray['data'],
    };
    parts.push([file, compareArrays(data, target, toleranceOf(quantity))]);
  }
  return worstOf(parts);
}

interface Converted {
  readonly episodes: readonly {
    readonly episode_index: number;
    readonly length: number;
    readonly data_is_really_in: string;
    readonly videos: Readonly<
      Record<string, { readonly file: string; readonly from_timestamp: number; readonly frame_in_file: number }>
    >;
  }[];
}

/** Where an episode's rows and pictures really are, whatever the converter wrote. */
async function converted(golden: GoldenCase, quantity: Quantity, data: Dataset): Promise<Outcome> {
  const pairs: { what: string; got: unknown; expected: unknown }[] = [];
  const near = (a: number, b: number) => Math.abs(a - b) <= (quantity.tolerance_absolute ?? 0);
  for (const expected of (await golden.json<Converted>(quantity.file)).episodes) {
    const episode = episodeOf(data, String(expected.episode_index));
    const what = `episode ${episode.index}`;
    const columns = await data.columns(episode, ['episode_index', 'timestamp']);
    const own = columns['episode_index']!.data.every((index) => index === episode.index);
    pairs.push({ what: `${what} length`, got: episode.length, expected: expected.length });
    pairs.push({ what: `${what} rows`, got: [columns['timestamp']!.rows, own], expected: [expected.length, true] });
    const file = data.dataPath(episode);
    pairs.push({ what: `${what} data in ${file}`, got: file.endsWith(expected.data_is_really_in), expected: true });
    for (const [camera, video] of Object.entries(expected.videos)) {
      const { path, startSeconds } = data.video(episode, camera as Camera);
      pairs.push({ what: `${what} ${camera} video`, got: path.endsWith(video.file), expected: true });
      pairs.push({
        what: `${what} ${camera} begins at ${startSeconds}`,
        got: [near(startSeconds, video.from_timestamp), Math.round(startSeconds * data.fps)],
        expected: [true, video.frame_in_file],
      });
      const ends = [0, episode.length - 1];
      const { frames, width } = decodeFrames(path, ends, { fps: data.fps, startSeconds, pixels: 'luma' });
      const shown = frames.map((luma) => frameNumberIn(luma, width));
      pairs.push({ what: `${what} ${camera} frames`, got: shown, expected: ends });
    }
  }
  return compareExactly(pairs);
}

/** A chunk that begins three frames before an episode's end: the last action is repeated. */
async function chunkAtEnd(golden: GoldenCase, quantity: Quantity, data: Dataset): Promise<Outcome> {
  const name = quantity.tensor ?? '';
  const match = /^chunk_at_end_of_episode_(\d+)\/(.+)$/.exec(name);
  if (!match) throw new UnknownQuantity('dataset', `${name} is no chunk.`);
  const expected = await golden.tensor(quantity.file, name);
  const episode = episodeOf(data, match[1]!);
  const column = (await data.columns(episode, [match[2]!]))[match[2]!]!;
  const width = expected.shape[1]!;
  const got: number[] = [];
  for (let t = 0; t < expected.shape[0]!; t++) {
    const row = Math.min(episode.length - 3 + t, episode.length - 1);
    for (let d = 0; d < width; d++) got.push(column.data[row * width + d]!);
  }
  return compareArrays(got, expected, { absolute: quantity.tolerance_absolute ?? 0 });
}

interface Lookup {
  readonly episodes: readonly {
    readonly episode_index: number;
    readonly length: number;
    readonly tasks: readonly string[];
    readonly data_file: string;
    readonly videos: Readonly<Record<string, { readonly file: string; readonly from_timestamp: number }>>;
  }[];
}

/** Which files hold an episode, and when its pictures begin. */
async function lookup(golden: GoldenCase, quantity: Quantity, data: Dataset): Promise<Outcome> {
  const { episodes } = await golden.json<Lookup>(quantity.file);
  const pairs: { what: string; got: unknown; expected: unknown }[] = [];
  for (const expected of episodes) {
    const episode = episodeOf(data, String(expected.episode_index));
    const what = `episode ${episode.index}`;
    pairs.push({ what: `${what} length`, got: episode.length, expected: expected.length });
    pairs.push({ what: `${what} task`, got: [episode.instruction], expected: expected.tasks });
    pairs.push({ what: `${what} data`, got: data.dataPath(episode).endsWith(expected.data_file), expected: true });
    for (const [camera, { file, from_timestamp: from }] of Object.entries(expected.videos)) {
      const { path, startSeconds } = data.video(episode, camera as Camera);
      pairs.push({ what: `${what} ${camera} video`, got: path.endsWith(file), expected: true });
      const near = Math.abs(startSeconds - from) <= (quantity.tolerance_absolute ?? 0);
      pairs.push({ what: `${what} ${camera} begins at ${startSeconds}, not ${from}`, got: near, expected: true });
    }
  }
  return compareExactly(pairs);
}

import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ValetError } from '../../base/index.ts';
import { type Dataset, decodeFrames, openDataset } from '../../data/index.ts';
import { combine, compareArrays, compareExactly, type Outcome, UnknownQuantity } from '../compare.ts';
import { type GoldenCase, numbers, rowOf } from '../goldenCase.ts';
import type { Check } from '../kind.ts';
import type { Quantity } from '../manifest.ts';

type Camera = Dataset['cameras'][number];

/** Real LeRobot data sets: the columns of every episode, and pictures. Luma planes are not something that the reader gives. */
export function dataset(golden: GoldenCase): Check {
  const open = (key: string, fallback: string) =>
    golden.once(`open ${key}`, () => openDataset(golden.path(String(golden.config[key] ?? fallback))));
  return async (quantity) => {
    switch (quantity.name) {
      case 'values':
        return values(golden, quantity, await open('root', 'dataset'));
      case 'frames':
      case 'frames_rgb':
        return pictures(golden, quantity, await open('root', 'dataset'));
      case 'variants_rgb':
        return variants(golden, quantity);
      case 'chunk':
        return chunkAtEnd(golden, quantity, await open('root', 'dataset'));
      case 'lookup':
        return lookup(golden, quantity, await open('root', 'dataset'));
      case 'parquet_variants':
        if (!existsSync(golden.path('parquet-variants')))
          throw new UnknownQuantity('dataset', 'the parquet variants are not in this copy of the case.');
        throw new UnknownQuantity('dataset', 'reading single parquet variants is not built.');
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
  return combine(parts);
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

/** `<episode>/<camera>/rgb` at `<episode>/<camera>/indices` or `<episode>/indices`. */
async function pictures(golden: GoldenCase, quantity: Quantity, data: Dataset): Promise<Outcome> {
  const parts: [string, Outcome][] = [];
  const tensors = await golden.tensors(quantity.file);
  for (const [name, expected] of tensors) {
    const match = /^(\d+)\/([^/]+)\/rgb$/.exec(name);
    if (!match) continue;
    const listed =
      tensors.get(`${match[1]}/${match[2]}/indices`) ?? (await golden.tensor(quantity.file, `${match[1]}/indices`));
    const indices = Array.from(numbers(listed));
    const { frames } = data.frames(episodeOf(data, match[1]!), match[2] as Camera, indices);
    const rows = indices.map((_, i) => numbers(rowOf(expected, i)));
    parts.push(...meanDifferences(name, frames, quantity.tolerance_mean_abs ?? 0, rows));
  }
  return combine(parts);
}

/** Pictures of videos of other codecs and key frames, `<name>/rgb_of_first_N`. */
async function variants(golden: GoldenCase, quantity: Quantity): Promise<Outcome> {
  const parts: [string, Outcome][] = [];
  const folder = 'codec-variants';
  const videos = new Set(await readdir(golden.path(folder)));
  for (const [name, expected] of await golden.tensors(quantity.file)) {
    const match = /^(.+)\/rgb_of_first_(\d+)$/.exec(name);
    if (!match || !videos.has(`${match[1]}.mp4`)) continue;
    const indices = Array.from(numbers(await golden.tensor(quantity.file, `${match[1]}/indices`))).slice(
      0,
      Number(match[2]),
    );
    const { frames } = decodeFrames(golden.path(join(folder, `${match[1]}.mp4`)), indices);
    const rows = indices.map((_, i) => numbers(rowOf(expected, i)));
    parts.push(...meanDifferences(name, frames, quantity.tolerance_mean_abs ?? 0, rows));
  }
  return combine(parts);
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

import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type ChunkStatistics, parseNormStats, StatisticsAccumulator } from '../../action/index.ts';
import { InputError } from '../../base/index.ts';
import { readSafetensors } from '../../tensor/index.ts';
import { compareArrays, toleranceOf, UnknownQuantity } from '../compare.ts';
import { type GoldenCase, pick } from '../goldenCase.ts';
import type { Check } from '../kind.ts';

/** Statistics and correlation of the chunks of a few episodes. */
export function statistics(golden: GoldenCase): Check {
  return async (quantity) => {
    const name = quantity.tensor ?? quantity.name.replace(/^exact_/, '');
    const expected = await golden.tensor(quantity.file, name);
    const stats = await golden.once('statistics', () => accumulate(golden));
    return compareArrays(computed(stats, name), expected, toleranceOf(quantity));
  };
}

function computed(stats: ChunkStatistics, name: string): Float64Array {
  const { state, actions, perTimestep, correlation } = stats;
  if (name === 'cholesky' || name === 'spatial' || name === 'temporal') return correlation![name];
  const match = /^(state|actions|actions_per_timestep)_(mean|std|q01|q99)$/.exec(name);
  if (!match) throw new UnknownQuantity('statistics', `${name} is not something that statistics have.`);
  const moments = { state, actions, actions_per_timestep: perTimestep }[match[1] as 'state'];
  return moments[match[2] as 'mean'];
}

/** Adds up `episodes/*.safetensors` in the order of their names. */
async function accumulate(golden: GoldenCase): Promise<ChunkStatistics> {
  const { files } = golden.manifest as { files?: { episodes?: string } };
  const folder = dirname(files?.episodes ?? 'episodes/episode_NNN.safetensors');
  const names = (await readdir(golden.path(folder))).filter((name) => name.endsWith('.safetensors')).sort();
  if (names.length === 0) throw new InputError(golden.name, `no episodes in ${folder}.`);
  const horizon = golden.config['horizon'] as number | undefined;
  const accumulator = new StatisticsAccumulator(horizon === undefined ? {} : { horizon });
  for (const name of names) {
    const file = join(folder, name);
    const tensors = await readSafetensors(await golden.bytes(file));
    const column = (key: string) => pick(tensors, key, file).data as Float32Array;
    accumulator.add({ state: column('state'), actions: column('action') });
  }
  return accumulator.finish();
}

/** The statistics that another case builds on (`statistics_case`): its norm_stats.json as the original wrote it. */
export function statisticsOfCase(golden: GoldenCase): Promise<ChunkStatistics> {
  return golden.once('norm stats', async () => {
    const folder = golden.neighbour(String(golden.config['statistics_case']));
    const plain = join(folder, 'norm_stats.json');
    if (existsSync(plain)) return parseNormStats(plain, await readFile(plain, 'utf8'));
    const zipped = await readFile(`${plain}.gz`).catch((error: NodeJS.ErrnoException) => {
      throw new InputError(plain, `cannot be read (${error.code}).`, { cause: error });
    });
    return parseNormStats(plain, gunzipSync(zipped).toString('utf8'));
  });
}

import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import {
  type ChunkStatistics,
  parseNormStats,
  StatisticsAccumulator,
  type StatisticsOptions,
} from '../../action/index.ts';
import { InputError } from '../../base/index.ts';
import { proprioceptionField, stateOf } from '../../robot/index.ts';
import { readSafetensors } from '../../tensor/index.ts';
import { compareArrays, toleranceOf, UnknownQuantity } from '../compare.ts';
import { type GoldenCase, pick } from '../goldenCase.ts';
import { GOLDEN_ROBOT } from '../goldenRobot.ts';
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
  const accumulator = new StatisticsAccumulator(optionsOf(golden));
  for (const name of names) {
    const file = join(folder, name);
    const tensors = await readSafetensors(await golden.bytes(file));
    const column = (key: string) => pick(tensors, key, file).data as Float32Array;
    accumulator.add({ state: column('state'), actions: column('action') });
  }
  return accumulator.finish();
}

/** What the case says of its chunks; the golden robot's where it says nothing. */
interface Config {
  readonly horizon?: number;
  readonly action_dim?: number;
  readonly model_action_dim?: number;
  readonly max_gripper_width_m?: number;
  readonly delta_mask_true?: readonly number[];
  readonly constant_std_below?: number;
  readonly jitter?: number;
}

function optionsOf(golden: GoldenCase): StatisticsOptions {
  const config = golden.config as Config;
  const width = config.action_dim ?? GOLDEN_ROBOT.width;
  const relative = config.delta_mask_true;
  const gripper = config.max_gripper_width_m;
  return {
    robot: GOLDEN_ROBOT,
    ...(config.horizon !== undefined && { horizon: config.horizon }),
    ...(config.model_action_dim !== undefined && { paddedWidth: config.model_action_dim }),
    deltaMask: Array.from({ length: width }, (_, dim) =>
      relative ? relative.includes(dim) : GOLDEN_ROBOT.deltaMask[dim]!,
    ),
    ...(config.constant_std_below !== undefined && { constantBelow: config.constant_std_below }),
    ...(config.jitter !== undefined && { jitter: config.jitter }),
    ...(gripper !== undefined && { stateOf: (row: Float32Array) => stateWithGripper(row, gripper) }),
  };
}

/** The state of a robot whose open gripper is `width` metres wide. */
function stateWithGripper(proprioception: Float32Array, width: number): Float32Array {
  const { fround } = Math;
  const state = stateOf(GOLDEN_ROBOT, proprioception);
  (['gripper_left_qpos', 'gripper_right_qpos'] as const).forEach((field, i) => {
    const [a, b] = proprioceptionField(GOLDEN_ROBOT, proprioception, field) as unknown as [number, number];
    state[GOLDEN_ROBOT.gripperColumns[i]!] = fround(2 * fround(fround(a + b) / fround(width))) - 1;
  });
  return state;
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

import { type ChunkStatistics, denormaliseActions } from '../../action/index.ts';
import { Random } from '../../base/index.ts';
import { CHALLENGE_ROBOT, type Robot } from '../../robot/index.ts';
import type { Checkpoint } from '../checkpoint.ts';
import type { ModelConfig } from '../network/index.ts';
import { ActionSampler, flowNoise, type SamplerInputs } from '../planning/index.ts';

/** What a coarser network costs, measured against the float32 one on the same observations and the same noise. */
export interface PlanDifference {
  readonly observations: number;
  /** Keys and values of each layer of the prefix: root mean square of the difference over that of the float32 ones. */
  readonly layers: readonly number[];
  /**
   * Normalised actions, where one is the standard deviation of the training data: mean and largest absolute difference
   * over the robot's own columns.
   */
  readonly normalised: { readonly mean: number; readonly max: number };
  /** The same in the units of the action's parts. */
  readonly parts: readonly {
    readonly part: string;
    readonly unit: string;
    readonly mean: number;
    readonly max: number;
  }[];
  /** Share of observations for which both name the same stage. */
  readonly sameStage: number;
}

/** One observation for both networks, with the noise that sampling starts from. */
export interface ReportInput {
  readonly inputs: SamplerInputs;
  readonly noise: Float32Array;
}

/** A network, and what it was trained on; without statistics its noise is white. */
interface Network {
  readonly config: ModelConfig;
  readonly normStats?: ChunkStatistics | null;
  readonly robot?: Robot;
}

/**
 * Observations that no camera took, for a network whose data are not at hand: smooth random pictures, normal states,
 * every task in turn.
 */
export function syntheticInputs(
  { config, normStats = null, robot = CHALLENGE_ROBOT }: Network,
  count: number,
  seed: number | string,
): ReportInput[] {
  const random = Random.of(`int8 report ${seed}`);
  const noise = flowNoise(config, normStats);
  return Array.from({ length: count }, (_, i) => {
    const task = (i * 7) % config.taskNumStages.length;
    const stage = Math.floor(random.uniform() * config.taskNumStages[task]!);
    const state = Float32Array.from({ length: config.actionDim }, (_, d) =>
      d < robot.width ? Math.max(-3, Math.min(3, random.normal() * 0.5)) : 0,
    );
    return {
      inputs: {
        images: smoothPictures(config, random),
        state,
        task: BigInt64Array.of(BigInt(task)),
        stage: BigInt64Array.of(BigInt(stage)),
      },
      noise: noise.sample(random, 1),
    };
  });
}

/** Levels that one wave moves a pixel by. */
const AMPLITUDE = 30;

/** Per camera and colour a sum of four waves of random direction and length. */
function smoothPictures(config: ModelConfig, random: Random): Uint8Array {
  const { imageSize: side, cameras } = config;
  const out = new Uint8Array(cameras.length * side * side * 3);
  for (let camera = 0; camera < cameras.length; camera++)
    for (let colour = 0; colour < 3; colour++) {
      const waves = Array.from({ length: 4 }, () => ({
        x: (random.uniform() - 0.5) * 40,
        y: (random.uniform() - 0.5) * 40,
        phase: random.uniform() * 2 * Math.PI,
      }));
      for (let i = 0; i < side * side; i++) {
        const [u, v] = [(i % side) / side, Math.floor(i / side) / side];
        const sum = waves.reduce((total, { x, y, phase }) => total + Math.sin(x * u + y * v + phase), 0);
        out[(camera * side * side + i) * 3 + colour] = 128 + AMPLITUDE * sum;
      }
    }
  return out;
}

interface Outcome {
  readonly keys: Float32Array;
  readonly values: Float32Array;
  readonly actions: Float32Array;
  readonly stage: number;
}

/** Runs one network on the inputs and frees it, so that only one of two large networks is in memory. */
export async function runReport(
  { config, parameters, quantised, policy }: Checkpoint,
  inputs: readonly ReportInput[],
  { threads = 1, done }: { threads?: number; done?: (observations: number) => void } = {},
): Promise<Outcome[]> {
  const steps = policy.samplingSteps;
  const sampler = await ActionSampler.create(config, parameters, {
    batch: 1,
    steps,
    threads,
    ...(quantised && { quantised }),
  });
  const out: Outcome[] = [];
  try {
    for (const { inputs: given, noise } of inputs) {
      const { cache, stageLogits } = await sampler.encode(given);
      const stages = config.taskNumStages[Number(given.task[0])]!;
      out.push({
        keys: cache['keys']!.data as Float32Array,
        values: cache['values']!.data as Float32Array,
        actions: await sampler.denoise(cache, noise),
        stage: argmax(stageLogits.subarray(0, stages)),
      });
      done?.(out.length);
    }
  } finally {
    await sampler.close();
  }
  return out;
}

/** Compares what two networks made of the same inputs. */
export function planError(
  { config, normStats, robot }: Pick<Checkpoint, 'config' | 'normStats' | 'robot'>,
  exact: readonly Outcome[],
  coarse: readonly Outcome[],
): PlanDifference {
  const { layers, actionDim, actionHorizon } = config;
  const perLayer = Array.from({ length: layers }, () => ({ difference: 0, whole: 0 }));
  const normalised = new Errors();
  const parts = robot.parts.map(({ name, unit, columns: [start, end] }) => ({
    part: name,
    unit,
    start,
    end,
    errors: new Errors(),
  }));
  exact.forEach((a, i) => {
    const b = coarse[i]!;
    for (const kind of ['keys', 'values'] as const) addByLayer(perLayer, a[kind], b[kind]);
    // Differences of relative actions are differences of absolute ones: both start from the same state.
    const [realA, realB] = [denormaliseActions(a.actions, normStats), denormaliseActions(b.actions, normStats)];
    for (let row = 0; row < actionHorizon; row++) {
      for (let d = 0; d < robot.width; d++)
        normalised.add(a.actions[row * actionDim + d]! - b.actions[row * actionDim + d]!);
      for (const { start, end, errors } of parts)
        for (let d = start; d < end; d++) errors.add(realA[row * actionDim + d]! - realB[row * actionDim + d]!);
    }
  });
  return {
    observations: exact.length,
    layers: perLayer.map(({ difference, whole }) => Math.sqrt(difference / whole)),
    normalised: normalised.result(),
    parts: parts.map(({ part, unit, errors }) => ({ part, unit, ...errors.result() })),
    sameStage: exact.filter(({ stage }, i) => stage === coarse[i]!.stage).length / exact.length,
  };
}

function addByLayer(into: { difference: number; whole: number }[], a: Float32Array, b: Float32Array): void {
  const length = a.length / into.length;
  into.forEach((sums, layer) => {
    for (let i = layer * length; i < (layer + 1) * length; i++) {
      sums.difference += (a[i]! - b[i]!) ** 2;
      sums.whole += a[i]! ** 2;
    }
  });
}

class Errors {
  private count = 0;
  private sum = 0;
  private max = 0;

  add(difference: number): void {
    this.count++;
    this.sum += Math.abs(difference);
    this.max = Math.max(this.max, Math.abs(difference));
  }

  result(): { mean: number; max: number } {
    return { mean: this.sum / this.count, max: this.max };
  }
}

const argmax = (values: Float32Array): number => values.reduce((best, v, i) => (v > values[best]! ? i : best), 0);

import {
  actionsFromModel,
  type CorrelatedNoise,
  Inpainter,
  normaliseState,
  prefixForModel,
} from '../../action/index.ts';
import { InputError, present, Random } from '../../base/index.ts';
import { resizeWithPad } from '../../picture/index.ts';
import type { Planner, PlanRequest, PlanTiming, Prediction, Robot } from '../../robot/index.ts';
import { type Device, isStored } from '../../tensor/index.ts';
import { type Checkpoint, loadParameters } from '../checkpoint.ts';
import { type PlanningNeeds, requirePlanningMemory } from '../memory.ts';
import { type ModelConfig, modelConfig } from '../network/index.ts';
import type { StatisticsChoice } from '../ownStatistics.ts';
import { flowNoise } from './flowNoise.ts';
import { ActionSampler, type EncodedPrefix } from './sampler.ts';

export interface PlannerOptions extends StatisticsChoice {
  /** Threads inside one operation; 1 when left out. */
  readonly threads?: number;
  /** Requests that may share one pass; each size is a pair of programs. [1] when left out; 1 is always among them. */
  readonly batchSizes?: readonly number[];
  /** Euler steps; the checkpoint's when left out. */
  readonly samplingSteps?: number;
  /** Factor on the starting noise, the checkpoint's when left out; 0 gives the same plan for every seed. */
  readonly noiseScale?: number;
  /** What computes the network, and in what: the CPU and float32 when left out. */
  readonly device?: Device;
  readonly precision?: 'float32' | 'float16';
  /**
   * White or correlated starting noise, its share of the data's correlation, and the flow time above which kept actions
   * are held; the checkpoint's when left out.
   */
  readonly useCorrelatedNoise?: boolean;
  readonly correlationBeta?: number;
  readonly timeThresholdInpaint?: number;
  /** Planners like this one that start at the same time on this machine: they must fit together. 1 when left out. */
  readonly copies?: number;
  /** Bytes of memory that it may take; found out when left out. */
  readonly availableMemory?: number;
  /** Hears how long the parts of each pass took. */
  readonly onPass?: (timing: PlanTiming) => void;
}

/** What decides how much memory a planner of this checkpoint takes. */
export function planningNeeds(
  { parameters, quantised }: Checkpoint,
  { batchSizes = [1], precision = 'float32', device = 'cpu', copies = 1 }: PlannerOptions,
): PlanningNeeds {
  return {
    batchSizes: [...new Set([1, ...batchSizes])],
    weights: quantised ? 'int8' : precision,
    device,
    widened: [...parameters.values()].some((weight) => isStored(weight) && weight.packed !== undefined),
    copies,
  };
}

/** A planner in the calling thread; it blocks that thread while it computes. `PlannerClient` owns one in a worker. */
export async function createPlanner(checkpoint: Checkpoint, options: PlannerOptions = {}): Promise<Planner> {
  const { quantised, policy } = checkpoint;
  const { device = 'cpu', precision = 'float32' } = options;
  const { threads = 1, batchSizes = [1], samplingSteps: steps = policy.samplingSteps } = options;
  const { useCorrelatedNoise, correlationBeta, timeThresholdInpaint } = options;
  const config = modelConfig(
    {
      ...checkpoint.config,
      ...(useCorrelatedNoise !== undefined && { useCorrelatedNoise }),
      ...(correlationBeta !== undefined && { correlationBeta }),
      ...(timeThresholdInpaint !== undefined && { timeThresholdInpaint }),
    },
    'planner options',
  );
  for (const camera of config.cameras)
    if (!checkpoint.robot.cameraNames.includes(camera))
      throw new InputError(
        'planner',
        `the network sees a camera '${camera}' that the robot does not have (it has ` +
          `${checkpoint.robot.cameraNames.join(', ')}).`,
      );
  requirePlanningMemory(config, planningNeeds(checkpoint, options), options.availableMemory);
  const sizes = [...new Set([1, ...batchSizes])].sort((a, b) => b - a);
  // float16 is made from weights in memory; float32 ones are read by the runtime from their file.
  const parameters = precision === 'float16' ? await loadParameters(checkpoint) : checkpoint.parameters;
  const samplers = new Map<number, ActionSampler>();
  for (const batch of sizes)
    samplers.set(
      batch,
      await ActionSampler.create(config, parameters, {
        batch,
        steps,
        threads,
        device,
        precision,
        ...(quantised && { quantised }),
      }),
    );
  return new NetworkPlanner(
    { ...checkpoint, config },
    samplers,
    options.noiseScale ?? policy.noiseScale,
    options.onPass,
  );
}

class NetworkPlanner implements Planner {
  readonly imageSize: number;
  readonly robot: Robot;
  private readonly noise: CorrelatedNoise;
  private readonly inpainters = new Map<number, Inpainter>();
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly checkpoint: Checkpoint,
    /** By batch size, largest first. */
    private readonly samplers: ReadonlyMap<number, ActionSampler>,
    private readonly noiseScale: number,
    private readonly onPass: PlannerOptions['onPass'],
  ) {
    this.imageSize = checkpoint.config.imageSize;
    this.robot = checkpoint.robot;
    this.noise = flowNoise(checkpoint.config, checkpoint.normStats);
  }

  /** Plans for all requests, in the largest batches that fit; calls that overlap wait for each other. */
  plan(requests: readonly PlanRequest[]): Promise<Prediction[]> {
    for (const request of requests) checkRequest(this.checkpoint, request);
    const result = this.turn.then(() => this.planAll(requests));
    this.turn = result.catch(() => {});
    return result;
  }

  async close(): Promise<void> {
    await this.turn;
    for (const sampler of this.samplers.values()) await sampler.close();
  }

  private async planAll(requests: readonly PlanRequest[]): Promise<Prediction[]> {
    const out: Prediction[] = [];
    for (let at = 0; at < requests.length; ) {
      const [size, sampler] = present(
        [...this.samplers].find(([batch]) => batch <= requests.length - at),
        '[...this.samplers].find(([batch]) => batch <= r…',
      );
      out.push(...(await this.planBatch(sampler, requests.slice(at, at + size))));
      at += size;
    }
    return out;
  }

  private async planBatch(sampler: ActionSampler, requests: readonly PlanRequest[]): Promise<Prediction[]> {
    const started = performance.now();
    const { config, normStats, robot } = this.checkpoint;
    const { imageSize: side, actionHorizon: horizon, actionDim: width, maxStages, cameras } = config;
    const pixels = side * side * 3;
    const images = new Uint8Array(requests.length * cameras.length * pixels);
    const state = new Float32Array(requests.length * width);
    const noise = new Float32Array(requests.length * horizon * width);
    const chunk = horizon * width;
    requests.forEach((request, b) => {
      cameras.forEach((camera, c) => {
        images.set(
          resizeWithPad(present(request.pictures[camera], `the picture of ${camera}`), side),
          (b * cameras.length + c) * pixels,
        );
      });
      state.set(normaliseState(request.state, normStats, robot), b * width);
      noise.set(this.noise.sample(Random.of(request.seed), 1), b * chunk);
    });
    if (this.noiseScale !== 1) for (let i = 0; i < noise.length; i++) noise[i]! *= this.noiseScale;
    const given = requests.map(({ prefix, state }) => {
      if (!prefix || prefix.rows === 0) return undefined;
      return { inpainter: this.inpainter(prefix.rows), rows: prefixForModel(prefix.actions, state, normStats, robot) };
    });
    const inputs = {
      images,
      state,
      task: BigInt64Array.from(requests, ({ taskId }) => BigInt(taskId)),
      stage: BigInt64Array.from(requests, ({ stage }) => BigInt(stage)),
    };
    const prepared = performance.now();
    const { stageLogits, cache, heads } = await sampler.encode(inputs);
    const encoded = performance.now();
    const actions = await sampler.denoise(cache, noise, (x, time) => {
      given.forEach((promise, b) => {
        const own = (array: Float32Array) => array.subarray(b * chunk, (b + 1) * chunk);
        if (promise) promise.inpainter.apply(own(x), promise.rows, own(noise), time, config.timeThresholdInpaint);
      });
    });
    this.onPass?.({
      prepareMs: prepared - started,
      prefixMs: encoded - prepared,
      denoiseMs: performance.now() - encoded,
    });
    return requests.map((request, b) => ({
      actions: actionsFromModel(
        actions.subarray(b * chunk, (b + 1) * chunk),
        state.subarray(b * width, (b + 1) * width),
        normStats,
        robot,
      ),
      horizon,
      stageLogits: maskStages(config, request.taskId, stageLogits.slice(b * maxStages, (b + 1) * maxStages)),
      ...headsOf(heads, b),
    }));
  }

  private inpainter(keepRows: number): Inpainter {
    let known = this.inpainters.get(keepRows);
    if (!known) {
      known = new Inpainter(this.noise, { keepRows });
      this.inpainters.set(keepRows, known);
    }
    return known;
  }
}

/** What the heads say of one robot; nothing where there are none. */
function headsOf({ success, progress }: EncodedPrefix['heads'], b: number): Pick<Prediction, 'heads'> {
  if (!success && !progress) return {};
  return { heads: { ...(success && { success: success[b]! }), ...(progress && { progress: progress[b]! }) } };
}

/** -Infinity at and beyond the task's number of stages, in place. Task -1 means the last row, as in the original. */
function maskStages(config: ModelConfig, taskId: number, logits: Float32Array): Float32Array {
  return logits.fill(-Infinity, present(config.taskNumStages.at(taskId), 'config.taskNumStages.at(taskId)'));
}

function checkRequest({ config, robot }: Checkpoint, { taskId, stage, state, pictures, prefix }: PlanRequest): void {
  const where = 'Planner.plan';
  const tasks = config.taskNumStages.length;
  if (!Number.isInteger(taskId) || taskId < -1 || taskId >= tasks)
    throw new InputError(where, `no task ${taskId} (expected 0…${tasks - 1}, or -1).`);
  const stages = present(config.taskNumStages.at(taskId), 'config.taskNumStages.at(taskId)');
  if (!Number.isInteger(stage) || stage < 0 || stage >= stages)
    throw new InputError(where, `task ${taskId} has no stage ${stage} (expected 0…${stages - 1}).`);
  if (state.length !== robot.width)
    throw new InputError(where, `the state has ${state.length} numbers (expected ${robot.width}, of ${robot.name}).`);
  if (!state.every(Number.isFinite)) throw new InputError(where, 'the state holds a number that is not finite.');
  for (const camera of config.cameras)
    if (!pictures[camera]) throw new InputError(where, `the picture of camera ${camera} is missing.`);
  if (prefix && (prefix.rows > config.actionHorizon || prefix.actions.length !== prefix.rows * state.length))
    throw new InputError(
      where,
      `the kept actions do not fit (got ${prefix.actions.length} numbers for ${prefix.rows} rows, expected ` +
        `${state.length} a row).`,
    );
}

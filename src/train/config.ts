import { z } from 'zod';
import { InputError, parse } from '../base/index.ts';
import { type ModelConfig, ModelConfigSchema, modelConfig, refuseRenamedKeys } from '../model/index.ts';
import { BEHAVIOR_STAGES, CHALLENGE_ROBOT, type Robot, type TaskSuccessors } from '../robot/index.ts';
import { AdvantageSchema } from './advantage.ts';
import { frozenLeaves } from './freeze.ts';

const share = z.number().min(0).max(1);
const count = z.int().positive();

/**
 * A network whose cameras, action width, horizon and tasks are the robot's and the data's (null), unless the
 * configuration says otherwise.
 */
export const NetworkSchema = ModelConfigSchema.extend({
  cameras: z.array(z.string().min(1)).min(1).nullable().default(null),
  actionDim: count.nullable().default(null),
  actionHorizon: count.nullable().default(null),
  taskNumStages: z.array(count).min(1).nullable().default(null),
});

const PlanSession = z.strictObject({
  executeActions: count.nullable().default(null),
  executeSteps: count.nullable().default(null),
  keepActions: z.int().min(0).nullable().default(null),
  historyLength: count.nullable().default(null),
  votes: count.nullable().default(null),
});

/** Everything that decides a training run besides its data, its seed and its number of steps. */
export const TrainConfig = z.strictObject({
  model: NetworkSchema,
  /** Samples of one update. */
  batch: count,
  /** The batch goes through the network in so many equal parts: less memory for the same update, but for rounding. */
  accumulate: count.default(1),
  /** Values within the layers are computed again in the backward pass, in place of being kept. */
  recompute: z.boolean().default(false),
  /**
   * Layers are computed one after the other, each a program of its own that reads its frozen weights from their file;
   * values within them are computed again in the backward pass.
   */
  layerwise: z.boolean().default(false),
  /** Updates, unless --steps says otherwise; the cosine schedule ends with them. */
  steps: count,
  schedule: z.strictObject({
    warmupSteps: z.int().min(0),
    peak: z.number().positive(),
    /** The last learning rate as a share of the peak. */
    finalShare: share,
    /** Update at which the last learning rate is reached; null: the last update. */
    decaySteps: count.nullable(),
  }),
  optimizer: z.strictObject({
    beta1: share,
    beta2: share,
    epsilon: z.number().positive(),
    /** Decoupled, on every parameter, biases and norms too (as the original). */
    weightDecay: z.number().min(0),
    clipNorm: z.number().positive(),
    emaDecay: share,
    /** The decay of update i is at most (1 + i) / (10 + i), so that the first weights are soon forgotten. */
    emaWarmup: z.boolean(),
  }),
  /** What is not trained: names of parts (docs/switches.md) and patterns of leaf names with `*` for any text. */
  freeze: z.array(z.string().min(1)).default(() => []),
  /** Adapters of the vision-language model, which itself is frozen then; null: none (docs/fine-tuning.md). */
  lora: z
    .strictObject({
      rank: count.default(16),
      alpha: z.number().positive().nullable().default(null),
      targets: z
        .array(z.string().min(1))
        .min(1)
        .default(() => ['attn', 'ffn']),
    })
    .nullable()
    .default(null),
  /**
   * Weight of the auxiliary loss on the positions that the data tells beside the observation; 0: none. Decides
   * `model.auxiliary.objects`.
   */
  objectsWeight: z.number().min(0).default(0),
  /** How much samples of a policy's own rollouts count, by what became of them (docs/advantage.md). */
  advantage: AdvantageSchema,
  /**
   * Stage labels: `skills` are those that the demonstration recorded, `time` cuts an episode into equal parts (the
   * original).
   */
  stageLabels: z.enum(['skills', 'time']),
  /** How often the stage that the network is told is a neighbouring one. */
  stageNoise: share.default(0),
  /** Standard deviation of the noise on the normalised state that the network sees. */
  stateNoise: z.number().min(0).default(0),
  /** How pictures change at each draw; by default not at all (docs/training-config.md#pictures). */
  pictures: z
    .strictObject({
      /** Whether brightness and contrast act on each channel, or on the value beside hue and saturation. */
      colour: z.enum(['linear', 'hsv']).default('linear'),
      /** Share of each side that a random crop keeps; wrist cameras are not cropped. */
      crop: z.number().min(0.1).max(1).default(1),
      /** Largest angle of a turn, in degrees; wrist cameras are not turned. */
      rotate: z.number().min(0).max(180).default(0),
      brightness: share.default(0),
      contrast: share.default(0),
      /** In turns of the colour circle. */
      hue: z.number().min(0).max(0.5).default(0),
      saturation: share.default(0),
      /** Share of the pictures whose colours change. */
      colourShare: share.default(1),
      noise: z.number().min(0).max(50).default(0),
    })
    .refine(({ colour, hue, saturation, colourShare }) => colour === 'hsv' || !(hue || saturation || colourShare < 1), {
      error: 'hue, saturation and colourShare need pictures.colour "hsv"',
      path: ['colour'],
    })
    .prefault({}),
  validation: z.strictObject({
    /** Share of the episodes that are kept out of training. */
    share: z.number().min(0).max(0.5),
    /** What is kept out: episodes, or all episodes of an instance of a task together. */
    by: z.enum(['episode', 'instance']).default('episode'),
    every: count,
    /** Of each task, at one look. */
    batches: count,
    /** Chunks of each task that are planned at one look, for their error and the stages; 0: none. */
    chunks: z.int().min(0).default(0),
  }),
  /** Frames between two training samples of one episode. */
  frameStride: count.default(1),
  /** Samples begin up to an episode's last frame, and repeat its action beyond it (the original). */
  endPadding: z.boolean().default(false),
  /** How many times as often a task's samples are drawn as their number says, by name; 1 where left out. */
  taskWeights: z.record(z.string(), z.number().min(0)).default(() => ({})),
  /** Most memory that the training samples may take, in GiB. */
  memoryGiB: z.number().positive(),
  /** Whether samples are read as they are needed instead of held in memory; `auto`: where they do not fit. */
  stream: z.enum(['auto', 'always', 'never']).default('auto'),
  logEvery: count,
  /** Updates between two histograms of weights and gradients in the TensorBoard events; 0: none. */
  histogramEvery: z.int().min(0).default(0),
  checkpointEvery: count,
  /** Newest checkpoints that stay; older ones are removed. */
  keepCheckpoints: count.default(3),
  /** Older checkpoints that stay: of every so many updates, and one of every so many hours. */
  keepEvery: z
    .strictObject({ updates: count.nullable().default(null), hours: z.number().positive().nullable().default(null) })
    .prefault({}),
  /** What is done about updates and data that nothing can be learned from. */
  guard: z
    .strictObject({
      /** A loss or a gradient that is not finite: the update is left out, or the run ends. */
      notFinite: z.enum(['skip', 'stop']).default('skip'),
      /** A gradient whose norm is `factor` times the median of the last `window` ones. */
      explosion: z.enum(['skip', 'stop', 'off']).default('skip'),
      factor: z.number().min(1).default(100),
      window: z.int().min(4).default(200),
      /** Updates in a row that may be left out; one more ends the run. */
      mostSkipped: count.default(20),
      /** Dimensions and cameras that are constant over `window` batches. */
      deadData: z.enum(['tell', 'stop', 'off']).default('tell'),
    })
    .prefault({}),
  /** Euler steps that a policy with these weights takes by default. */
  samplingSteps: count,
  /** Factor on the noise that its plans start from; null: the first checkpoint's, else 1. */
  noiseScale: z.number().min(0).max(10).nullable().default(null),
  /** How its plans are executed and its stages voted on by default; null: as the first checkpoint. */
  session: PlanSession.prefault({}),
});
export type TrainConfig = z.infer<typeof TrainConfig>;

/** A configuration whose network is settled: what a run is trained with. */
export type RunConfig = Omit<TrainConfig, 'model'> & { readonly model: ModelConfig };

/** What the data (or the checkpoint before) decides of a network. */
interface DataTasks {
  readonly robot: Robot;
  readonly taskNumStages: readonly number[];
  readonly stageSuccessors?: TaskSuccessors;
}

/**
 * The configuration for a robot: cameras, action width and horizon are the robot's and the table of stages and their
 * successors are the given ones, where the configuration does not say.
 * @throws InputError when the network cannot be built
 */
export function settledConfig(
  config: TrainConfig,
  { robot, taskNumStages, stageSuccessors = {} }: DataTasks,
  where = 'training configuration',
): RunConfig {
  const { model } = config;
  const cameras = model.cameras ?? [...robot.cameraNames];
  if (cameras.length === 0)
    throw new InputError(
      where,
      `the robot ${robot.name} has no camera, and the network needs one. Name one in robot.json.`,
    );
  const successors = model.stageSuccessors ?? stageSuccessors;
  const settled = modelConfig(
    {
      ...model,
      cameras,
      actionDim: model.actionDim ?? robot.paddedWidth,
      actionHorizon: model.actionHorizon ?? robot.horizon,
      taskNumStages: model.taskNumStages ?? [...taskNumStages],
      ...(Object.keys(successors).length > 0 && { stageSuccessors: successors }),
    },
    `${where}: model`,
  );
  return { ...config, model: settled };
}

/** @throws InputError when a settled network cannot drive the robot */
export function requireFitting({ model }: RunConfig, robot: Robot, where = 'training configuration'): void {
  if (model.actionDim < robot.width)
    throw new InputError(
      where,
      `model.actionDim is ${model.actionDim}, less than the ${robot.width} actions of the robot ${robot.name}. ` +
        'Leave it out, or raise it.',
    );
  const missing = model.cameras.find((camera) => !robot.cameraNames.includes(camera));
  if (missing !== undefined)
    throw new InputError(
      where,
      `model.cameras names '${missing}', the robot ${robot.name} has no such camera (it has ` +
        `${robot.cameraNames.join(', ')}).`,
    );
}

/** Checks a configuration from outside, with what its fields demand of one another. @throws InputError */
export function checkTrainConfig(input: unknown, where = 'training configuration'): TrainConfig {
  refuseOldKeys(input, where);
  const config = parse(where, TrainConfig, input);
  const { model } = settledConfig(config, { robot: CHALLENGE_ROBOT, taskNumStages: BEHAVIOR_STAGES }, where);
  const { warmupSteps, decaySteps } = config.schedule;
  const end = decaySteps ?? config.steps;
  if (warmupSteps >= end && decaySteps !== null)
    throw new InputError(
      where,
      `the warm-up outlasts the schedule (got warmupSteps ${warmupSteps} and decaySteps ${end}).`,
    );
  requireEqualParts(config.batch, config.accumulate, where);
  frozenLeaves(model, config, where);
  return config;
}

/** @param batch that goes through one network @throws InputError when it cannot be cut into so many equal parts */
export function requireEqualParts(batch: number, accumulate: number, where: string): void {
  if (batch % accumulate !== 0)
    throw new InputError(
      where,
      `accumulate must divide the batch into equal parts (got a batch of ${batch} and accumulate ${accumulate}).`,
    );
}

/** @throws InputError that names the new key of one that was renamed */
function refuseOldKeys(input: unknown, where: string): void {
  if (typeof input !== 'object' || input === null) return;
  if ('noiseCorrelation' in input)
    throw new InputError(where, 'the key noiseCorrelation is now model.correlationBeta. Rename it (docs/switches.md).');
  if ('model' in input) refuseRenamedKeys(input.model, Object.keys(NetworkSchema.shape), `${where}: model`);
}

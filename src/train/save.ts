import { join } from 'node:path';
import type { ChunkStatistics, FastTokenizer } from '../action/index.ts';
import { InputError } from '../base/index.ts';
import {
  loadParameters,
  type ModelConfig,
  readCheckpoint,
  type StatisticsChoice,
  writeCheckpoint,
} from '../model/index.ts';
import type { Robot } from '../robot/index.ts';
import { type Parameters, readSafetensors, readSafetensorsHeader, writeSafetensors } from '../tensor/index.ts';
import { fastFolder } from './fastTokens.ts';
import type { TrainerSnapshot } from './trainer.ts';

/**
 * The optimiser's part of a checkpoint: parameters and AdamW's moments. The averaged weights are the checkpoint's
 * own `params.safetensors`.
 */
const TRAINING_FILE = 'train.safetensors';
const KINDS = ['parameters', 'm', 'v'] as const;

/** What a run goes on from. */
export interface ResumePoint extends TrainerSnapshot {
  readonly model: ModelConfig;
  readonly robot: Robot;
  readonly statistics: ChunkStatistics;
}

export interface CheckpointContent {
  readonly model: ModelConfig;
  readonly robot: Robot;
  readonly statistics: ChunkStatistics;
  readonly policy: { readonly samplingSteps: number };
  readonly tokenizer?: FastTokenizer | undefined;
  readonly card: Record<string, unknown>;
}

/**
 * Writes a checkpoint folder that serves (averaged weights) and that a run can go on from; under a temporary name
 * first.
 */
export async function saveTrainingCheckpoint(
  path: string,
  snapshot: TrainerSnapshot,
  content: CheckpointContent,
): Promise<void> {
  const { model, robot, statistics, tokenizer, policy, card } = content;
  const arrays: Parameters = new Map();
  for (const kind of KINDS) for (const [name, array] of snapshot[kind]) arrays.set(`${kind}/${name}`, array);
  await writeCheckpoint(
    path,
    {
      config: model,
      robot,
      parameters: snapshot.ema,
      normStats: statistics,
      card,
      policy,
      extra: async (folder) => {
        await writeSafetensors(join(folder, TRAINING_FILE), arrays, { step: String(snapshot.step) });
        await tokenizer?.save(fastFolder(folder));
      },
    },
    { replace: true },
  );
}

/** The step that a checkpoint's training state is of. @throws InputError when it does not say */
export async function readTrainingStep(path: string): Promise<number> {
  const file = join(path, TRAINING_FILE);
  const { metadata } = await readSafetensorsHeader(file);
  const step = Number(metadata['step']);
  if (!Number.isInteger(step)) throw new InputError(file, `does not say its step (got ${metadata['step']}).`);
  return step;
}

/** @throws InputError when the folder is no checkpoint that training can go on from */
export async function readTrainingCheckpoint(path: string, choice: StatisticsChoice = {}): Promise<ResumePoint> {
  const checkpoint = await readCheckpoint(path, choice);
  const step = await readTrainingStep(path);
  const arrays = await readSafetensors(join(path, TRAINING_FILE));
  const tree = (kind: string): Parameters =>
    new Map(
      [...arrays].flatMap(([name, array]) =>
        name.startsWith(`${kind}/`) ? [[name.slice(kind.length + 1), array]] : [],
      ),
    );
  return {
    step,
    parameters: tree('parameters'),
    m: tree('m'),
    v: tree('v'),
    ema: await loadParameters(checkpoint),
    model: checkpoint.config,
    robot: checkpoint.robot,
    statistics: checkpoint.normStats,
  };
}

import { existsSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import { InputError, nearest } from '../../base/index.ts';
import type { SessionOptions } from '../../control/index.ts';
import {
  type CheckpointProvenance,
  checkpointFolder,
  checkpointHashes,
  checkpointProvenance,
  type PlannerOptions,
  statisticsFile,
} from '../../model/index.ts';
import type { Ablation } from './ablations.ts';

export type PlanSettings = Pick<
  PlannerOptions,
  | 'samplingSteps'
  | 'noiseScale'
  | 'device'
  | 'precision'
  | 'useCorrelatedNoise'
  | 'correlationBeta'
  | 'timeThresholdInpaint'
  | 'otherStatistics'
>;

/** A checkpoint's session, as far as plain data says it; robot and stages are the checkpoint's. */
export type SessionSettings = Partial<Omit<SessionOptions, 'robot' | 'extraRules' | 'seed'>>;

/** Who drives the robot, as plain data that a worker can be sent. */
export type PolicySpec =
  | { readonly kind: 'expert' | 'hold' }
  | {
      /** What followed on the most similar moment of the expert's demonstrations. */
      readonly kind: 'nearest';
      readonly demonstrations?: number;
    }
  | {
      readonly kind: 'replay';
      /** Data set to take the recorded actions from; a fresh demonstration when absent. */
      readonly demos?: string;
    }
  | {
      readonly kind: 'checkpoint';
      readonly folder: string;
      readonly threads?: number;
      /** How plans are drawn and computed; the checkpoint's own way, on the CPU in float32, when left out. */
      readonly planner?: PlanSettings;
      /** Planners of this policy that run at the same time, one for each worker. */
      readonly copies?: number;
      readonly session?: SessionSettings;
      /** What the network is kept from. */
      readonly ablation?: Ablation;
    }
  | {
      readonly kind: 'remote';
      readonly url: string;
      readonly apiKey?: string;
      /** Actions that it is asked for at a time (1). */
      readonly chunkSize?: number | undefined;
      /** Its pictures are black. */
      readonly ablation?: 'blind';
    };

/**
 * @param text `ws://…`, a checkpoint folder, a training folder (its newest), the name of a policy that comes with the
 * package, or a built-in policy.
 * @throws InputError
 */
export function parsePolicy(
  text: string,
  options: {
    demos?: string;
    threads?: number;
    planner?: PlanSettings;
    copies?: number;
    session?: SessionSettings;
    /** Told which checkpoint a training folder stands for. */
    say?: (line: string) => void;
  } = {},
): PolicySpec {
  const { demos, threads, planner, copies, session, say } = options;
  if (text === 'expert' || text === 'hold' || text === 'nearest') return { kind: text };
  if (text === 'replay') return { kind: 'replay', ...(demos === undefined ? {} : { demos }) };
  if (/^wss?:/.test(text)) return { kind: 'remote', url: text };
  const folder = checkpointFolder(text, say);
  if (existsSync(join(folder, 'config.json')))
    return {
      kind: 'checkpoint',
      folder,
      threads,
      planner,
      copies,
      ...(session && { session }),
    };
  const guess = nearest(text, ['expert', 'hold', 'replay', 'nearest', 'household']);
  throw new InputError(
    '--policy',
    `"${text}" is neither a server's address (ws://…), nor a checkpoint folder, nor one of expert, hold, ` +
      `replay, nearest, household.${guess && guess !== text ? ` Did you mean ${guess}?` : ''}`,
  );
}

/** A policy in words, for run.json. No secrets. */
export interface PolicyWords {
  /** What tells it from others: for a checkpoint, the hashes of its files. */
  readonly policy: Readonly<Record<string, unknown>>;
  /** The weights, where it has some. */
  readonly checkpoints?: readonly CheckpointProvenance[];
}

export async function describePolicy(spec: PolicySpec): Promise<PolicyWords> {
  if (spec.kind === 'remote') {
    const { kind, url, ablation, chunkSize = 1 } = spec;
    return { policy: { kind, url, ...(ablation && { ablation }), ...(chunkSize > 1 && { chunkSize }) } };
  }
  if (spec.kind === 'replay' && spec.demos !== undefined) {
    const { dataFingerprint } = await import('../../data/index.ts');
    return { policy: { ...spec, content: await dataFingerprint([spec.demos]) } };
  }
  if (spec.kind !== 'checkpoint') return { policy: { ...spec } };
  const hashes = await checkpointHashes(spec.folder);
  const statistics = relative(spec.folder, await statisticsFile(spec.folder)).replaceAll(sep, '/');
  const files: Record<string, string> = {};
  for (const name of ['config.json', 'params.safetensors', 'int8.safetensors', statistics]) {
    const hash = hashes.files.get(name);
    if (hash !== undefined) files[name] = hash;
  }
  const { session, threads = 1, ablation } = spec;
  // What statistics they are, their hash says.
  const { device = 'cpu', precision = 'float32', otherStatistics: _, ...planner } = spec.planner ?? {};
  const policy = {
    kind: spec.kind,
    folder: spec.folder,
    files,
    ...planner,
    ...(device === 'cpu' ? {} : { device }),
    ...(precision === 'float32' ? {} : { precision }),
    // Products are cut otherwise for several, and may round otherwise.
    ...(threads === 1 ? {} : { threads }),
    ...(ablation && { ablation }),
    ...(session && Object.keys(session).length > 0 ? { session } : {}),
  };
  return { policy, checkpoints: [await checkpointProvenance(spec.folder, hashes)] };
}

/**
 * Rows of a batch come out as plans alone do on the CPU: there, how many environments share a pass is nobody's concern.
 * @throws InputError for several environments and a network that is computed otherwise
 */
export function requireAlike(spec: PolicySpec, environments: number): void {
  if (spec.kind !== 'checkpoint' || environments === 1) return;
  const { device = 'cpu', precision = 'float32' } = spec.planner ?? {};
  if (device === 'cpu' && precision === 'float32') return;
  throw new InputError(
    '--environments',
    `of several share a pass on the CPU in float32 alone (got ${device}, ${precision}): elsewhere plans of a batch ` +
      'may be rounded otherwise. Leave it out, or serve the checkpoint (valet serve --batch) and evaluate its address.',
  );
}

/** A policy as others may be told it: a folder by its whole path, no key. */
export function withoutSecrets(spec: PolicySpec): PolicySpec {
  if (spec.kind === 'checkpoint') return { ...spec, folder: resolve(spec.folder) };
  if (spec.kind === 'replay' && spec.demos !== undefined) return { ...spec, demos: resolve(spec.demos) };
  if (spec.kind !== 'remote') return spec;
  const { apiKey: _, ...open } = spec;
  return open;
}

/** A policy in a line. */
export const policyTitle = (spec: PolicySpec): string =>
  spec.kind === 'checkpoint' ? spec.folder : spec.kind === 'remote' ? spec.url : spec.kind;

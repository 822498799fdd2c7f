import { z } from 'zod';
import { parse } from '../../../base/index.ts';
import type { EpisodeResult } from '../episode.ts';
import type { PolicySpec } from '../policySpec.ts';
import type { RolloutSettings } from '../runner.ts';

/** The kind of these jobs in a queue. */
export const ROLLOUT_JOB = 'rollout';

/** What all rollouts of an evaluation have in common, as workers elsewhere are told: plain data, and no secret. */
export interface RolloutRun extends Omit<RolloutSettings, 'recordTo' | 'data'> {
  readonly policy: PolicySpec;
  /** What tells the policy from others, wherever it lies. */
  readonly content: Readonly<Record<string, unknown>>;
  /** What else must be the same for results to be of one evaluation. */
  readonly versions: Readonly<Record<string, string>>;
  readonly imageSize: number;
  readonly record: boolean;
  /** For the worker's words: what is played. */
  readonly title: string;
}

/** What a job asks for. */
export const UnitSchema = z.object({ task: z.string(), instance: z.number().int(), rollout: z.number().int() });

/** A recording's files by their path, as base64. No path leads out of the recording. */
export type RecordingFiles = Readonly<Record<string, string>>;
const FILE = /^(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*\/)?[A-Za-z0-9_-][A-Za-z0-9_.-]*$/;

const PlayedSchema = z.object({
  worker: z.number().int(),
  host: z.string(),
  started: z.string(),
  seconds: z.number(),
});
const metres = z.object({ base: z.number(), left: z.number(), right: z.number() });
const RolloutResultSchema = z.object({
  /** What the ledger then holds is checked again when it is read; what is new in an episode passes. */
  episode: z.looseObject({
    q: z.number(),
    success: z.boolean(),
    steps: z.number().int(),
    maxSteps: z.number().int(),
    distance: metres,
    plans: z.number().int(),
    goal: z.array(z.object({ text: z.string(), initial: z.boolean(), value: z.boolean() })),
    invalid: z.string().optional(),
    fault: z.enum(['policy', 'unreachable']).optional(),
  }),
  played: PlayedSchema,
  cpu: z.string(),
  files: z.record(z.string().regex(FILE), z.base64()).optional(),
});

/** What a job comes to. */
export interface RolloutResult {
  readonly episode: EpisodeResult;
  readonly played: z.infer<typeof PlayedSchema>;
  /** The worker's processor: others round otherwise. */
  readonly cpu: string;
  readonly files?: RecordingFiles | undefined;
}

/** @returns the value itself, checked. @throws InputError for what is no result */
export function parseRolloutResult(where: string, value: unknown): RolloutResult {
  parse(where, RolloutResultSchema, value);
  return value as RolloutResult;
}

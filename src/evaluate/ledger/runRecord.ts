import { z } from 'zod';
import { LIMIT_YEARS } from '../../home/index.ts';

/** Version and git commit, as run.json and servers say them. */
export const CodeSchema = z.object({ version: z.string(), commit: z.string() });
/** A checkpoint that was played, as run.json and servers say it. */
export const CheckpointSchema = z.object({
  hash: z.string(),
  statistics: z.string().nullable(),
  /** Whether it was trained with these; null, or absent in older files: not recorded. */
  ownStatistics: z.boolean().nullable().default(null),
  selection: z.string(),
});

/** Policies that draw nothing: every seed gives the same episodes, and none is recorded. */
export const takesNoSeed = ({ kind }: Readonly<Record<string, unknown>>): boolean =>
  kind === 'hold' || kind === 'expert' || kind === 'nearest';

/** `run.json`: what an evaluation is; two evaluations with the same fingerprint may share a ledger. */
export const RunFileSchema = z.object({
  fingerprint: z
    .object({
      policy: z.record(z.string(), z.unknown()),
      /** Several are separated by commas, in the order of the rollouts; null: it had no effect. */
      seed: z.string().nullable(),
      maxSteps: z.number().nullable(),
      /** The challenge's year whose time-outs hold. */
      edition: z.enum(LIMIT_YEARS).default('2025'),
      /** What goes wrong in every episode: `axis:level`. */
      perturb: z.array(z.string()).default([]),
      /** Side of the pictures that a server got, pixels. */
      imageSize: z.number().optional(),
      versions: z.record(z.string(), z.string()),
    })
    // Older versions recorded a seed for every policy.
    .transform((fingerprint) => (takesNoSeed(fingerprint.policy) ? { ...fingerprint, seed: null } : fingerprint)),
  /** A title for tables and pages. */
  label: z.string().optional(),
  tasks: z.array(z.string()),
  instances: z.array(z.number()),
  /** The splits that they belong to. */
  splits: z.array(z.string()).optional(),
  /** What each run of the command asked for: every task with every instance, so many times. */
  asked: z
    .array(z.object({ tasks: z.array(z.string()), instances: z.array(z.number()), rollouts: z.number().int() }))
    .optional(),
  started: z.string(),
  node: z.string(),
  /** The code that played the episodes: version and git commit. */
  code: CodeSchema.optional(),
  /** Other code that went on with it. */
  resumedBy: z.array(CodeSchema).optional(),
  /** The weights that were played, as their folder or their server says. */
  checkpoints: z.array(CheckpointSchema).optional(),
  /** What the server played at the end, where that was something else. */
  checkpointsAtEnd: z.array(CheckpointSchema).optional(),
  /** The code of the server, where the policy is behind one that tells. */
  server: CodeSchema.optional(),
  /** The processor: others round otherwise, so that episodes may differ. */
  cpu: z.string().optional(),
});
export type RunFile = z.infer<typeof RunFileSchema>;

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { InputError, packageVersion, readJson, writeFileAside } from '../../base/index.ts';
import { LIMIT_YEARS, MUJOCO_VERSION, SCENE_VERSION } from '../../home/index.ts';

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

/** `run.json`: what an evaluation is; two evaluations with the same fingerprint may share a ledger. */
export const RunFileSchema = z.object({
  fingerprint: z.object({
    policy: z.record(z.string(), z.unknown()),
    /** Several are separated by commas, in the order of the rollouts; null: it had no effect. */
    seed: z.string().nullable(),
    maxSteps: z.number().nullable(),
    /** The challenge's year whose time-outs hold. */
    edition: z.enum(LIMIT_YEARS).default('2025'),
    /** What goes wrong in every episode: `axis:level`. */
    perturb: z.array(z.string()).default([]),
    versions: z.record(z.string(), z.string()),
  }),
  /** A title for tables and pages. */
  label: z.string().optional(),
  tasks: z.array(z.string()),
  instances: z.array(z.number()),
  /** The splits that they belong to. */
  splits: z.array(z.string()).optional(),
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

export const runFilePath = (folder: string): string => join(folder, 'run.json');

export const evaluationVersions = (): Record<string, string> => ({
  valet: packageVersion(),
  mujoco: MUJOCO_VERSION,
  household: SCENE_VERSION,
});

/** Notes in run.json that the server changed its checkpoints meanwhile. */
export async function noteCheckpointsAtEnd(folder: string, checkpointsAtEnd: RunFile['checkpoints']): Promise<void> {
  const run = await readJson(runFilePath(folder), RunFileSchema);
  await writeFileAside(runFilePath(folder), `${JSON.stringify({ ...run, checkpointsAtEnd }, null, 2)}\n`);
}

/**
 * Writes run.json, or checks that the folder's evaluation is the same one.
 * @throws InputError when it is another, or when there is none to go on with
 */
export async function claimFolder(folder: string, run: RunFile, resume: boolean): Promise<void> {
  const path = runFilePath(folder);
  if (resume && !existsSync(path))
    throw new InputError(
      folder,
      'holds no evaluation to go on with (no run.json). Leave --resume out to begin one, or name its folder.',
    );
  if (existsSync(path)) {
    if (!resume)
      throw new InputError(folder, 'holds an evaluation already. Go on with it by --resume, or choose another folder.');
    const old = await readJson(path, RunFileSchema);
    const changed = (Object.keys(run.fingerprint) as (keyof RunFile['fingerprint'])[]).filter(
      (key) =>
        JSON.stringify(old.fingerprint[key]) !== JSON.stringify(JSON.parse(JSON.stringify(run.fingerprint[key]))),
    );
    if (changed.length > 0)
      throw new InputError(
        folder,
        `was begun with another ${changed.join(', ')}; results would be mixed. Choose another folder.`,
      );
    const union = <T>(a: T[], b: T[]) => [...new Set([...a, ...b])];
    const known = [...(old.code ? [old.code] : []), ...(old.resumedBy ?? [])];
    const isNew = run.code && !known.some(({ commit }) => commit === run.code?.commit);
    run = {
      ...old,
      ...(isNew && run.code && { resumedBy: [...(old.resumedBy ?? []), run.code] }),
      tasks: union(old.tasks, run.tasks),
      ...(run.splits && { splits: union(old.splits ?? [], run.splits) }),
      instances: union(old.instances, run.instances),
    };
  }
  await writeFileAside(path, `${JSON.stringify(run, null, 2)}\n`);
}

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, InputError, packageVersion, readJson, writeFileAside } from '../../base/index.ts';
import { MUJOCO_VERSION, SCENE_VERSION } from '../../home/index.ts';
import { LEDGER_FILES } from './ledger.ts';
import { type RunFile, RunFileSchema } from './runRecord.ts';
import { requireSame } from './sameEvaluation.ts';
import { type Unit, unitName, unitsOf } from './unit.ts';

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

/** A name for the folder's evaluation, the same whenever it is gone on with: where its jobs stand in a queue. */
export async function runName(folder: string): Promise<string> {
  const { fingerprint, started } = await readJson(runFilePath(folder), RunFileSchema);
  return `eval-${digestOf([fingerprint, started])}`;
}

/** Every unit that an evaluation was asked for, in the order in which they are played. */
export function askedUnits({ asked, tasks, instances, fingerprint }: RunFile): Unit[] {
  const groups = asked ?? [{ tasks, instances, rollouts: fingerprint.seed?.split(',').length ?? 1 }];
  const units = groups.flatMap((group) => unitsOf(group.tasks, group.instances, group.rollouts));
  return [...new Map(units.map((unit) => [unitName(unit), unit])).values()];
}

/**
 * Writes run.json, or checks that the folder's evaluation is the same one.
 * @returns what differs and should be known, although it forbids nothing
 * @throws InputError when it is another one, or when the folder holds scores of nobody knows what
 */
export async function claimFolder(folder: string, run: RunFile, resume: boolean): Promise<string[]> {
  const path = runFilePath(folder);
  const notices: string[] = [];
  if (resume && !existsSync(path))
    throw new InputError(
      folder,
      'holds no evaluation to go on with (no run.json). Leave --resume out to begin one, or name its folder.',
    );
  if (existsSync(path)) {
    if (!resume)
      throw new InputError(folder, 'holds an evaluation already. Go on with it by --resume, or choose another folder.');
    const old = await readJson(path, RunFileSchema);
    requireSame(folder, old, run);
    if (old.cpu !== run.cpu)
      notices.push(`It was begun on another processor (${old.cpu ?? 'unknown'}): numbers may be rounded otherwise.`);
    const union = <T>(a: T[], b: T[]) => [...new Set([...a, ...b])];
    const known = [...(old.code ? [old.code] : []), ...(old.resumedBy ?? [])];
    const isNew = run.code && !known.some(({ commit }) => commit === run.code?.commit);
    const before = old.asked ?? [{ ...old, rollouts: old.fingerprint.seed?.split(',').length ?? 1 }];
    const asked = [...before, ...(run.asked ?? [])].map(({ tasks, instances, rollouts }) =>
      JSON.stringify({ tasks, instances, rollouts }),
    );
    run = {
      ...old,
      ...(isNew && run.code && { resumedBy: [...(old.resumedBy ?? []), run.code] }),
      tasks: union(old.tasks, run.tasks),
      ...(run.splits && { splits: union(old.splits ?? [], run.splits) }),
      instances: union(old.instances, run.instances),
      asked: union(asked, []).map((group) => JSON.parse(group)),
    };
  } else if (LEDGER_FILES.some((name) => existsSync(join(folder, name))))
    throw new InputError(
      folder,
      'holds scores, but no run.json that says of what. Put the file back, or choose another folder.',
    );
  await writeFileAside(path, `${JSON.stringify(run, null, 2)}\n`);
  return notices;
}

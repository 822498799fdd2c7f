import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { InputError } from '../base/index.ts';
import type { StatisticsChoice } from '../model/index.ts';
import { type RunFolder, type RunRecord, stepOf } from './folder.ts';
import { type ResumePoint, readTrainingCheckpoint, readTrainingStep } from './save.ts';

/** The checkpoint that a run goes on from. */
export interface FoundPoint {
  readonly path: string;
  readonly point: ResumePoint;
}

/**
 * The newest whole checkpoint of a run: of the numbered folders, and of `latest` where copying made it a folder of its
 * own. What `latest` says otherwise does not matter: it may be a link, a file, or missing.
 * @returns null for a run that has made no checkpoint yet
 * @throws InputError when there should be a checkpoint and none is whole; nothing was changed
 */
export async function findResumePoint(
  folder: RunFolder,
  { config }: RunRecord,
  log: (line: string) => void,
  choice: StatisticsChoice = {},
): Promise<FoundPoint | null> {
  const broken: string[] = [];
  for (const path of await candidates(folder)) {
    try {
      const point = await readTrainingCheckpoint(path, choice);
      const name = basename(path);
      if (/^\d+$/.test(name) && Number(name) !== point.step)
        throw new InputError(path, `is of step ${point.step}, not of the step that it is named after.`);
      for (const reason of broken) log(`passed over: ${reason}`);
      return { path, point };
    } catch (error) {
      if (isOfMachine(error)) throw error;
      broken.push((error as Error).message);
    }
  }
  if (broken.length > 0)
    throw new InputError(
      folder.path,
      `none of its checkpoints is whole, and nothing was changed. Put one back, or train into another folder. ` +
        `${broken[0]}`,
    );
  const reached = await lastStep(folder);
  const every = (config as { checkpointEvery?: number }).checkpointEvery ?? Number.POSITIVE_INFINITY;
  if (reached >= every)
    throw new InputError(
      folder.path,
      `its checkpoints are gone (the run was at step ${reached}), and nothing was changed. Put one back, or train ` +
        'into another folder.',
    );
  return null;
}

/** Folders that may be checkpoints, the newest first. */
async function candidates({ checkpoints }: RunFolder): Promise<string[]> {
  const names = await readdir(checkpoints).catch((): string[] => []);
  const numbered = names.filter((name) => /^\d+$/.test(name)).sort((a, b) => Number(b) - Number(a));
  const latest = join(checkpoints, 'latest');
  const copied = (await isLink(latest))
    ? false
    : await stat(latest).then(
        (found) => found.isDirectory(),
        () => false,
      );
  const paths = numbered.map((name) => join(checkpoints, name));
  if (!copied) return paths;
  // A copy of the newest may stand alone, or be newer than what else was copied.
  const step = await readTrainingStep(latest).catch(() => 0);
  const at = numbered.findIndex((name) => Number(name) <= step);
  return at < 0 ? [...paths, latest] : [...paths.slice(0, at), latest, ...paths.slice(at)];
}

/** Not the checkpoint is broken: the machine has no memory or files left, or refuses. */
function isOfMachine(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return error instanceof RangeError || ['EMFILE', 'ENFILE', 'ENOMEM', 'EIO', 'EACCES', 'EPERM'].includes(code ?? '');
}

const isLink = (path: string): Promise<boolean> =>
  readlink(path).then(
    () => true,
    () => false,
  );

/** The last step of the metrics; 0 where there is none. */
async function lastStep({ path }: RunFolder): Promise<number> {
  const text = await readFile(join(path, 'metrics.jsonl'), 'utf8').catch(() => '');
  const steps = text.split('\n').filter(Boolean).map(stepOf).filter(Number.isFinite);
  return Math.max(0, ...steps);
}

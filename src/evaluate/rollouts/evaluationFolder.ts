import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { type CodeVersion, codeVersion, lockFolder, makeFolder, writeFileAside } from '../../base/index.ts';
import { HOUSEHOLD_ROBOT, type HomeTask, type LimitYear, splitOf } from '../../home/index.ts';
import type { CheckpointProvenance } from '../../model/index.ts';
import { claimFolder, counted, evaluationVersions, Ledger, type LedgerLine, unitName } from '../ledger/index.ts';
import { type EvaluationSummary, officialJson } from '../scores/index.ts';
import type { Book } from './playUnits.ts';

/** What an evaluation is, for `run.json`: with another of these, results must not be mixed. */
export interface EvaluationIdentity {
  readonly policy: Readonly<Record<string, unknown>>;
  /** Several are separated by commas; null when it had no effect. */
  readonly seed: string | null;
  readonly maxSteps?: number | undefined;
  /** Whose time-outs hold ('2025'). */
  readonly edition?: LimitYear | undefined;
  /** What goes wrong in every episode: `axis:level`. */
  readonly perturb?: readonly string[] | undefined;
  readonly tasks: readonly HomeTask[];
  readonly instances: readonly number[];
  /** Of each instance. */
  readonly rollouts: number;
  /** Side of the pictures, where the policy does not say what it wants. */
  readonly imageSize?: number | undefined;
  /** A title for the report. */
  readonly label?: string | undefined;
  /** The weights that are played, where something tells. */
  readonly checkpoints?: readonly CheckpointProvenance[] | undefined;
  /** The code of the server, where it tells. */
  readonly server?: CodeVersion | undefined;
  /** Hears what differs without harm, and what was mended. */
  readonly onNotice?: ((notice: string) => void) | undefined;
}

/**
 * Works in an evaluation folder (docs/contract.md#evaluation-folder): run.json, ledger.jsonl, and json/<unit>.json for
 * each counted episode. When the first episode cannot even begin, a new folder is gone again afterwards.
 * @throws InputError for a folder of another evaluation, one that holds this one when `resume` is false, or one that
 *   another process writes to
 */
export async function inEvaluationFolder(
  out: string,
  ...rest: [identity: EvaluationIdentity, resume: boolean, work: Work]
): Promise<EvaluationSummary> {
  const lock = await lockFolder(out, 'valet eval');
  try {
    return await lockedIn(out, ...rest);
  } finally {
    await lock.release();
  }
}

type Work = (book: Book, onDone: (line: LedgerLine) => Promise<void>) => Promise<EvaluationSummary>;

async function lockedIn(
  out: string,
  {
    policy,
    seed,
    maxSteps,
    edition = '2025',
    perturb = [],
    imageSize,
    label,
    checkpoints,
    server,
    onNotice,
    ...asked
  }: EvaluationIdentity,
  resume: boolean,
  work: Work,
): Promise<EvaluationSummary> {
  const isNew = !existsSync(out);
  const [tasks, instances] = [asked.tasks.map(({ name }) => name), [...asked.instances]];
  const run = {
    fingerprint: {
      policy: { ...policy },
      seed,
      maxSteps: maxSteps ?? null,
      edition,
      perturb: [...perturb],
      ...(imageSize !== undefined && { imageSize }),
      versions: evaluationVersions(),
    },
    ...(label === undefined ? {} : { label }),
    tasks,
    instances,
    splits: [...new Set(instances.map(splitOf))],
    asked: [{ tasks, instances, rollouts: asked.rollouts }],
    code: codeVersion(),
    ...(checkpoints && { checkpoints: [...checkpoints] }),
    ...(server && { server }),
    started: new Date().toISOString(),
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
  };
  for (const notice of await claimFolder(out, run, resume)) onNotice?.(notice);
  await makeFolder(join(out, 'json'));
  const ledger = await Ledger.open(out);
  for (const notice of ledger.notices) onNotice?.(notice);
  const official = async (line: LedgerLine) => {
    const task = asked.tasks.find(({ name }) => name === line.task);
    if (!task) return;
    const path = join(out, 'json', `${unitName(line)}.json`);
    const text = officialJson(line, task, HOUSEHOLD_ROBOT.rate);
    if ((await readFile(path, 'utf8').catch(() => '')) !== text) await writeFileAside(path, text);
  };
  try {
    // What became of them since: the ledger tells how they were.
    for (const line of counted(ledger.lines)) await official(line);
    return await work(ledger, official);
  } catch (error) {
    // A policy that cannot be opened: nothing was played, and nothing is left behind.
    if (isNew && ledger.lines.length === 0) await rm(out, { recursive: true, force: true });
    throw error;
  } finally {
    await ledger.close();
  }
}

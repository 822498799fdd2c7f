import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { type CodeVersion, codeVersion, lockFolder, makeFolder, writeFileAside } from '../../base/index.ts';
import { HOUSEHOLD_ROBOT, type HomeTask, type LimitYear, splitOf } from '../../home/index.ts';
import type { CheckpointProvenance } from '../../model/index.ts';
import { claimFolder, evaluationVersions, Ledger, type LedgerLine, unitName } from '../ledger/index.ts';
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
  /** A title for the report. */
  readonly label?: string | undefined;
  /** The weights that are played, where something tells. */
  readonly checkpoints?: readonly CheckpointProvenance[] | undefined;
  /** The code of the server, where it tells. */
  readonly server?: CodeVersion | undefined;
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
    tasks,
    instances,
    label,
    checkpoints,
    server,
  }: EvaluationIdentity,
  resume: boolean,
  work: Work,
): Promise<EvaluationSummary> {
  const isNew = !existsSync(out);
  const run = {
    fingerprint: {
      policy: { ...policy },
      seed,
      maxSteps: maxSteps ?? null,
      edition,
      perturb: [...perturb],
      versions: evaluationVersions(),
    },
    ...(label === undefined ? {} : { label }),
    tasks: tasks.map(({ name }) => name),
    instances: [...instances],
    splits: [...new Set(instances.map(splitOf))],
    code: codeVersion(),
    ...(checkpoints && { checkpoints: [...checkpoints] }),
    ...(server && { server }),
    started: new Date().toISOString(),
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
  };
  await claimFolder(out, run, resume);
  await makeFolder(join(out, 'json'));
  const ledger = await Ledger.open(out);
  const official = async (line: LedgerLine) => {
    const task = tasks.find(({ name }) => name === line.task) as HomeTask;
    const text = officialJson(line, task, HOUSEHOLD_ROBOT.rate);
    await writeFileAside(join(out, 'json', `${unitName(line)}.json`), text);
  };
  try {
    return await work(ledger, official);
  } catch (error) {
    // A policy that cannot be opened: nothing was played, and nothing is left behind.
    if (isNew && ledger.lines.length === 0) await rm(out, { recursive: true, force: true });
    throw error;
  } finally {
    await ledger.close();
  }
}

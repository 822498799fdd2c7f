import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError, Progress, ValetError, WorkerClient, writeFileAside } from '../../base/index.ts';
import { homeTask } from '../../home/index.ts';
import {
  claimFolder,
  Ledger,
  type LedgerLine,
  MAX_ATTEMPTS,
  openUnits,
  type Unit,
  unitName,
  unitsOf,
  versions,
} from '../ledger/index.ts';
import { officialJson, type Summary, summarise } from '../scores/index.ts';
import type { EpisodeResult } from './episode.ts';
import { describePolicy, type PolicySpec } from './policySpec.ts';
import type { RunnerSettings } from './runner.ts';

export interface EvaluateOptions {
  readonly policy: PolicySpec;
  readonly tasks: readonly string[];
  readonly instances: readonly number[];
  /** The evaluation folder. */
  readonly out: string;
  /** Threads, each with episodes of its own. */
  readonly workers?: number;
  /** Go on with what the folder holds. */
  readonly resume?: boolean;
  readonly seed?: string;
  /** Fewer steps than the tasks' time-outs, for tests. */
  readonly maxSteps?: number;
  /** Side of the pictures for a policy that does not say what it wants (a server). */
  readonly imageSize?: number;
  /** Keep the rollouts (on by default). */
  readonly record?: boolean;
  readonly silent?: boolean;
  /** A title for the report. */
  readonly label?: string;
  /** The word before the progress bar. */
  readonly progressLabel?: string;
  /** Ends the evaluation after the episodes under way; the folder can be gone on with. */
  readonly signal?: AbortSignal;
}

/**
 * Plays every unit and books it: ledger.jsonl, json/<unit>.json, rollouts/<unit>/, run.json (docs/contract.md#evaluation-folder).
 * An invalid episode is tried once more and then reported, never counted. What a unit comes to does not depend on which worker plays it.
 * @throws InputError for unknown tasks or a folder of another evaluation; ValetError (interrupted) when `signal` ended it
 */
export async function evaluate(options: EvaluateOptions): Promise<Summary> {
  const { policy, tasks, instances, out, seed = '0', maxSteps, imageSize = 64, record = true, signal } = options;
  for (const task of tasks) homeTask(task);
  if (tasks.length === 0 || instances.length === 0)
    throw new InputError('evaluate', 'there is nothing to do: name tasks and instances.');
  const fingerprint = { policy: await describePolicy(policy), seed, maxSteps: maxSteps ?? null, versions: versions() };
  const started = new Date().toISOString();
  const { label } = options;
  const run = {
    fingerprint,
    ...(label === undefined ? {} : { label }),
    tasks: [...tasks],
    instances: [...instances],
    started,
    node: process.version,
  };
  const isNew = !existsSync(out);
  await claimFolder(out, run, options.resume ?? false);
  await mkdir(join(out, 'json'), { recursive: true });
  const ledger = await Ledger.open(out);
  const units = unitsOf(tasks, instances);
  const queue = openUnits(units, ledger.lines);
  const settings: RunnerSettings = { policy, seed, imageSize, maxSteps, ...(record ? { recordTo: out } : {}) };
  const progress = new Progress(options.progressLabel ?? policy.kind, units.length, {
    unit: 'episodes',
    silent: options.silent,
  });
  let done = units.length - queue.length;
  let sum = 0;
  let counted = 0;

  const play = async (number: number): Promise<void> => {
    const worker = WorkerClient.start('evaluate/rollouts/rollout.worker', settings);
    try {
      await worker.call('open');
      for (let next = queue.shift(); next && !signal?.aborted; next = queue.shift()) {
        const line = await attempt(worker, next.unit, next.attempts + 1, number);
        if (line.state === 'done')
          await writeFileAside(join(out, 'json', `${unitName(next.unit)}.json`), officialJson(line));
        await ledger.append(line);
        if (line.state === 'invalid' && line.attempt < MAX_ATTEMPTS)
          queue.push({ unit: next.unit, attempts: line.attempt });
        else done++;
        if (line.state === 'done') {
          sum += line.q;
          counted++;
        }
        progress.at(done, `q ${(sum / Math.max(1, counted)).toFixed(3)}`);
      }
      await worker.call('close');
    } finally {
      await worker.close();
    }
  };
  const count = Math.min(Math.max(1, options.workers ?? 1), Math.max(1, queue.length));
  try {
    if (queue.length > 0) await Promise.all(Array.from({ length: count }, (_, number) => play(number)));
  } catch (error) {
    // A policy that cannot be opened: nothing was played, and nothing is left behind.
    if (isNew && ledger.lines.length === 0) await rm(out, { recursive: true, force: true });
    throw error;
  } finally {
    progress.end();
    await ledger.close();
  }
  if (signal?.aborted)
    throw new ValetError(
      'evaluate',
      `interrupted with ${done} of ${units.length} episodes done. Go on with --resume.`,
      'interrupted',
    );
  const wanted = new Set(units.map(unitName));
  return summarise(
    ledger.lines.filter((line) => wanted.has(unitName(line))),
    seed,
  );
}

async function attempt(worker: WorkerClient, unit: Unit, number: number, workerNumber: number): Promise<LedgerLine> {
  const started = new Date();
  const { invalid, ...result } = await worker.call<EpisodeResult>('run', unit);
  const seconds = (Date.now() - started.getTime()) / 1000;
  return {
    ...unit,
    state: invalid === undefined ? 'done' : 'invalid',
    attempt: number,
    worker: workerNumber,
    started: started.toISOString(),
    seconds,
    ...result,
    ...(invalid === undefined ? {} : { reason: invalid }),
  };
}

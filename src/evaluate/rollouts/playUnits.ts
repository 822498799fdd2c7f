import { Progress, ValetError } from '../../base/index.ts';
import { type LedgerLine, MAX_ATTEMPTS, openUnits, type Unit, unitName } from '../ledger/index.ts';
import { type EvaluationSummary, summariseLedger } from '../scores/index.ts';
import type { Runner } from './runner.ts';

/** Where attempts are written down: a ledger, or a list. */
export interface Book {
  readonly lines: readonly LedgerLine[];
  append(line: LedgerLine): Promise<void>;
}

/** What every evaluation may say about its course. */
export interface PlayOptions {
  /** Of the policy's noise and of the intervals ('0'). */
  readonly seed?: string | undefined;
  /** Several seeds in place of one: every instance is played with each of them. */
  readonly seeds?: readonly string[] | undefined;
  readonly silent?: boolean | undefined;
  /** The word before the progress bar. */
  readonly progressLabel?: string | undefined;
  /** Ends the evaluation after the episodes under way. */
  readonly signal?: AbortSignal | undefined;
  /** Hears, once each, what is off because the policy's robot or checkpoint lacks it. */
  readonly onNotice?: ((notice: string) => void) | undefined;
}

/** The seeds of an evaluation, one or more. */
export const seedsOf = ({ seed = '0', seeds = [seed] }: PlayOptions): readonly string[] => seeds;

/**
 * Plays the units that are still open, each with the next free runner, and books every attempt. An invalid episode is
 * tried once more.
 * @param runners what opens each of them; every one that is opened is closed
 * @param onDone called with each counted episode, before it is booked
 * @returns what all units came to. @throws ValetError (interrupted) when the signal ended it
 */
export async function playUnits(
  units: readonly Unit[],
  book: Book,
  runners: readonly (() => Runner | Promise<Runner>)[],
  options: PlayOptions,
  onDone: (line: LedgerLine) => Promise<void> = async () => {},
): Promise<EvaluationSummary> {
  const { signal, silent } = options;
  const queue = openUnits(units, book.lines);
  const progress = new Progress(options.progressLabel ?? 'evaluation', units.length, {
    unit: 'episodes',
    ...(silent !== undefined && { silent }),
  });
  const told = new Set<string>();
  let done = units.length - queue.length;
  const scores: number[] = [];

  const play = async (open: () => Runner | Promise<Runner>, number: number): Promise<void> => {
    const runner = await open();
    try {
      for (const notice of runner.notices) if (told.size < told.add(notice).size) options.onNotice?.(notice);
      for (let next = queue.shift(); next && !signal?.aborted; next = queue.shift()) {
        const line = await attempt(runner, next.unit, next.attempts + 1, number);
        if (line.state === 'done') {
          await onDone(line);
          scores.push(line.q);
        }
        await book.append(line);
        if (line.state === 'invalid' && line.attempt < MAX_ATTEMPTS)
          queue.push({ unit: next.unit, attempts: line.attempt });
        else done++;
        const sum = scores.reduce((total, q) => total + q, 0);
        progress.at(done, `q ${(sum / Math.max(1, scores.length)).toFixed(3)}`);
      }
    } catch (error) {
      await runner.close().catch(() => {}); // what went wrong first is what is told
      throw error;
    }
    await runner.close();
  };
  try {
    await Promise.all(runners.slice(0, queue.length).map(play));
  } finally {
    progress.end();
  }
  if (signal?.aborted)
    throw new ValetError(
      'evaluate',
      `interrupted with ${done} of ${units.length} episodes done. Go on with --resume.`,
      'interrupted',
    );
  const wanted = new Set(units.map(unitName));
  return summariseLedger(
    book.lines.filter((line) => wanted.has(unitName(line))),
    seedsOf(options).join(),
  );
}

async function attempt(runner: Runner, unit: Unit, number: number, worker: number): Promise<LedgerLine> {
  const started = new Date();
  const { invalid, ...result } = await runner.run(unit);
  const seconds = (Date.now() - started.getTime()) / 1000;
  return {
    ...unit,
    state: invalid === undefined ? 'done' : 'invalid',
    attempt: number,
    worker,
    started: started.toISOString(),
    seconds,
    ...result,
    ...(invalid === undefined ? {} : { reason: invalid }),
  };
}

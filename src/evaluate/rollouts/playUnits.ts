import { Progress, ValetError } from '../../base/index.ts';
import type { EncodedEpisode } from '../../data/index.ts';
import { type LedgerLine, openUnits, type Unit, unitName } from '../ledger/index.ts';
import { type EvaluationSummary, summariseLedger } from '../scores/index.ts';
import { Course, estimate, paceOfLines } from './course.ts';
import type { EpisodeResult } from './episode.ts';
import type { Outage } from './outage.ts';
import type { Runner } from './runner.ts';

/** Where attempts are written down: a ledger, or a list. */
export interface Book {
  readonly lines: readonly LedgerLine[];
  append(line: LedgerLine): Promise<void>;
}

/** Called with each counted episode before it is booked, and with the episode of a data set that it became. */
export type OnDone = (line: LedgerLine, data?: EncodedEpisode) => Promise<void>;

/** What every evaluation may say about its course. */
export interface PlayOptions {
  /** Of the policy's noise and of the intervals ('0'). */
  readonly seed?: string | undefined;
  /** Several seeds in place of one: every instance is played with each of them. */
  readonly seeds?: readonly string[] | undefined;
  readonly silent?: boolean | undefined;
  /** The word before the progress bar. */
  readonly progressLabel?: string | undefined;
  /** Ends the evaluation at once; episodes under way are given up, and played again later. */
  readonly signal?: AbortSignal | undefined;
  /** Hears after each episode how many of all are done. */
  readonly onEpisode?: ((done: number) => void) | undefined;
  /** Hears, once each, what is off because the policy's robot or checkpoint lacks it. */
  readonly onNotice?: ((notice: string) => void) | undefined;
}

/** The seeds of an evaluation, one or more. */
export const seedsOf = ({ seed = '0', seeds = [seed] }: PlayOptions): readonly string[] => seeds;

/** Attempts at a unit in one run of the command; the next run tries again. */
const TRIES = 2;
/** Times that a unit may lose its server in one run of the command. */
const OUTAGES = 5;
/** So many attempts in a row that fail by the policy's fault end the run: the next would fail too. */
const IN_A_ROW = 6;

/** Each task is told of this often. */
const COURSE_MS = 30_000;
/** Fewer episodes are over before an estimate is worth its time. */
const ESTIMATED_FROM = 4;

/** A unit in the queue: attempts booked in all runs, and what this run made of it. */
interface Waiting {
  readonly unit: Unit;
  readonly attempts: number;
  readonly tries: number;
  readonly outages: number;
}

/**
 * Plays the units that are still open, each with the next free runner, and books every attempt. An invalid episode is
 * tried once more. One whose server went away is tried again when it is back; meanwhile nothing else begins.
 * @param runners what opens each of them; every one that is opened is closed
 * @returns what all units came to. @throws ValetError (interrupted) when the signal ended it: episodes under way are
 *   given up, what is booked stays
 */
export async function playUnits(
  units: readonly Unit[],
  book: Book,
  runners: readonly (() => Runner | Promise<Runner>)[],
  options: PlayOptions & { readonly outage?: Outage | undefined },
  onDone: OnDone = async () => {},
): Promise<EvaluationSummary> {
  const { silent, outage } = options;
  // The failure of one ends all.
  const failing = new AbortController();
  let firstFailure: unknown;
  const signal = AbortSignal.any([failing.signal, ...(options.signal ? [options.signal] : [])]);
  const queue: Waiting[] = openUnits(units, book.lines).map((open) => ({ ...open, tries: 0, outages: 0 }));
  const progress = new Progress(options.progressLabel ?? 'evaluation', units.length, {
    unit: 'episodes',
    ...(silent !== undefined && { silent }),
  });
  const course = new Course(units, book.lines);
  const told = new Set<string>();
  let done = units.length - queue.length;
  let failed = 0;
  let stopped: string | undefined;
  const stop = (why: string) => {
    stopped ??= why;
    queue.length = 0;
  };
  const scores: number[] = [];
  let toldAt = performance.now();

  /** What comes after an attempt: the next one at the same unit, or the next unit. */
  const after = async (
    { unit, attempts, tries, outages }: Waiting,
    line: LedgerLine,
    fault: EpisodeResult['fault'],
  ) => {
    if (line.state === 'done') {
      scores.push(line.q);
      failed = 0;
      done++;
      return;
    }
    if (stopped !== undefined) return;
    const found = fault === 'unreachable' ? await outage?.wait() : undefined;
    if (found === 'gone') return stop(`${unitName(unit)} lost its server. ${outage?.reason ?? ''}`);
    if (found === 'back' && outages + 1 < OUTAGES)
      return void queue.unshift({ unit, attempts: attempts + 1, tries, outages: outages + 1 });
    if (fault && ++failed >= IN_A_ROW)
      return stop(`${failed} episodes in a row failed, the last one ${unitName(unit)}: ${line.reason}`);
    if (tries + 1 < TRIES) queue.push({ unit, attempts: attempts + 1, tries: tries + 1, outages });
  };

  // The estimate is told before the first episode begins.
  const openNow = queue.map(({ unit }) => unit);
  const watched = { lines: book.lines, parallel: runners.length, say: (line: string) => progress.tell([line]) };
  let begin = () => {};
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });

  const play = async (open: () => Runner | Promise<Runner>, number: number): Promise<void> => {
    let runner: Runner | undefined;
    try {
      runner = await open();
      if (number === 0 && silent !== true) await tellEstimate(runner, openNow, { ...watched, signal });
      if (number === 0) begin();
      await begun;
      for (const notice of runner.notices) if (told.size < told.add(notice).size) options.onNotice?.(notice);
      for (;;) {
        await outage?.underWay;
        const next = queue.shift();
        if (!next || signal.aborted) break;
        const { line, fault, data } = await attempt(runner, next, number, signal);
        if (line.state === 'done') await onDone(line, data);
        await book.append(line);
        await runner.booked?.(next.unit, line.attempt);
        await after(next, line, fault);
        options.onEpisode?.(done);
        const sum = scores.reduce((total, q) => total + q, 0);
        course.add(line);
        if (performance.now() - toldAt > COURSE_MS) {
          toldAt = performance.now();
          progress.tell(course.report());
        }
        progress.at(done, `q ${(sum / Math.max(1, scores.length)).toFixed(3)}`);
      }
    } catch (error) {
      firstFailure ??= error;
      failing.abort();
      begin();
      await runner?.close().catch(() => {}); // what went wrong first is what is told
      throw error;
    }
    await runner.close();
  };
  const ended = await Promise.allSettled(runners.slice(0, queue.length).map(play));
  progress.end();
  const failure = ended.find(({ status }) => status === 'rejected') as PromiseRejectedResult | undefined;
  if (failure && !options.signal?.aborted) throw firstFailure ?? failure.reason;
  if (options.signal?.aborted)
    throw new ValetError(
      'evaluate',
      `interrupted with ${done} of ${units.length} episodes done. Go on with --resume.`,
      'interrupted',
    );
  const wanted = new Set(units.map(unitName));
  const lines = book.lines.filter((line) => wanted.has(unitName(line)));
  return { ...summariseLedger(lines, units), ...(stopped !== undefined && { stopped }) };
}

/** Says how long it will take, by the episodes that are booked, or by a few steps of each task. */
async function tellEstimate(
  runner: Runner,
  open: readonly Unit[],
  {
    lines,
    parallel,
    signal,
    say,
  }: { lines: readonly LedgerLine[]; parallel: number; signal: AbortSignal; say: (line: string) => void },
): Promise<void> {
  if (open.length < ESTIMATED_FROM) return;
  const paces = paceOfLines(lines);
  for (const task of new Set(open.map((unit) => unit.task))) {
    const unit = open.find((one) => one.task === task);
    if (!unit || !runner.pace || paces.some((pace) => pace.task === task)) continue;
    // What fails here fails again as an episode, and is booked there.
    const pace = await runner.pace(unit, signal).catch(() => undefined);
    if (pace) paces.push(pace);
  }
  const line = estimate(open, paces, parallel);
  if (line !== undefined) say(line);
}

async function attempt(
  runner: Runner,
  { unit, attempts }: Waiting,
  worker: number,
  signal: AbortSignal,
): Promise<{ line: LedgerLine; fault: EpisodeResult['fault']; data: EncodedEpisode | undefined }> {
  const started = new Date();
  const { invalid, fault, played, data, ...result } = await runner.run(unit, signal, attempts + 1);
  const line: LedgerLine = {
    ...unit,
    state: invalid === undefined ? 'done' : 'invalid',
    attempt: attempts + 1,
    worker,
    started: started.toISOString(),
    seconds: (Date.now() - started.getTime()) / 1000,
    ...result,
    ...played,
    ...(invalid === undefined ? {} : { reason: invalid }),
  };
  return { line, fault, data };
}

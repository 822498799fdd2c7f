import { isUnwritable, ValetError } from '../base/index.ts';
import { BatchMaker, batchBuffers } from './batch.ts';
import type { RunConfig } from './config.ts';
import { requireStages } from './data.ts';
import { RunEvents } from './events/index.ts';
import { chunkTokenizer } from './fastTokens.ts';
import { Guard, type MadeBatch } from './guard.ts';
import type { Losses } from './losses.ts';
import { firstUpdateLine } from './memoryLines.ts';
import type { ReadingOptions } from './networkReading.ts';
import type { Run } from './run.ts';
import { learningRate, type Schedule } from './schedule.ts';
import type { StepReport, StepRequest } from './trainerOptions.ts';
import { UpdateLog } from './updateLog.ts';
import { Watch } from './watch.ts';

export interface TrainResult {
  readonly step: number;
  readonly steps: number;
  /** The newest checkpoint's folder. */
  readonly checkpoint: string;
  /** The folder of the best one, with `best`; absent while nothing was measured. */
  readonly best?: string;
  /** Why it ended before its last step, or before the last rollouts, if it did. */
  readonly stopped?: 'interrupted' | 'time limit';
  /** Mean over the last logged updates. */
  readonly losses: Losses;
  readonly samplesPerSecond: number;
  /** Updates that the guard left out; `skipped.jsonl` names their samples. */
  readonly skippedUpdates: number;
  /** Samples that were never trained on because of bad numbers; `left-out.jsonl` names them. */
  readonly leftOutSamples: number;
}

/** The updates: while the trainer's thread computes one, this thread makes the next batch. */
export async function runLoop(run: Run): Promise<TrainResult> {
  const { options, config, folder, data, client, start } = run;
  const { steps } = config;
  const maker = batchMaker(run);
  const makeBatch = batchesOf(run, maker);
  const before = { skippedUpdates: await folder.skippedUpdates(start), norms: run.carried.norms };
  const guard = new Guard(run, before, batchesOf({ ...run, ranks: undefined }, maker));
  const prepare = async (step: number) => {
    if (step >= steps) return undefined;
    const made = await makeBatch(step);
    guard.see(step, made.source);
    return made.batch;
  };
  await guard.showFar((raw) => maker.make(raw, 0, { still: true, label: 'far' }));
  const words = { cameras: config.model.cameras, taskNames: run.taskNames };
  const events = await RunEvents.open(folder.path, start, words, {
    whenFull: options.whenFull,
    untold: run.carried.untold.tasks,
  });
  const updates = new UpdateLog(run, events);
  const carried = () => ({ norms: guard.state, untold: updates.untold });
  const watch = await Watch.open(run, { maker, events, carried });
  const schedule = scheduleOf(config);
  let stopped: TrainResult['stopped'];
  let step = start;
  try {
    let batch = await prepare(step);
    while (batch && !stopped) {
      const rate = learningRate(schedule, step);
      if (step === 0) await events.firstBatch(step, batch);
      const read = readingOf(config, step + 1);
      const given: StepRequest = { batch, learningRate: rate, normLimit: guard.limit, ...(read && { read }) };
      const running = client.call<StepReport>('step', given, { transfer: batchBuffers(batch) });
      running.catch(() => undefined); // awaited below; making the next batch may throw first
      batch = await prepare(step + 1);
      const report = await running;
      if (++step === start + 1) run.log(firstUpdateLine(report.milliseconds));
      await guard.judge(step, report);
      await updates.update(step, report, rate, guard.skippedUpdates);
      options.onStep?.(step);
      if (options.signal?.aborted) stopped = 'interrupted';
      else if (updates.minutes > (options.timeLimitMinutes ?? Number.POSITIVE_INFINITY)) stopped = 'time limit';
      await updates.aside(() => watch.after(step, stopped !== undefined));
    }
    if (step < steps) run.log(`stopped at step ${step} of ${steps} (${stopped}); saved. --resume goes on.`);
    else if (!(await watch.finish())) stopped = 'interrupted';
    else stopped = undefined;
  } catch (error) {
    // A line that the disk did not take ends the run like a checkpoint.
    if (!(error instanceof ValetError) && isUnwritable(error)) throw watch.notSaved(step, error);
    throw error;
  } finally {
    await watch.close();
  }
  const best = await folder.best();
  const { losses, samplesPerSecond } = updates.reading;
  const skips = { skippedUpdates: guard.skippedUpdates, leftOutSamples: data.skipped.length };
  return {
    ...{ step, steps, checkpoint: folder.checkpoint(watch.saved) },
    ...(run.best && best !== undefined && { best }),
    ...(stopped && { stopped }),
    ...{ losses, samplesPerSecond, ...skips },
  };
}

/** Makes the batch of a step; one of several ranks makes its rows. */
export function batchesOf(run: Run, maker = batchMaker(run)): (step: number) => Promise<MadeBatch> {
  const { config, data, seed, ranks: share } = run;
  return async (step) => {
    const raw = await data.store.batch(step, config.batch, seed, config.steps, share);
    requireStages(raw, config.model.taskNumStages);
    return { batch: maker.make(raw, step, { ...(share && { share }) }), source: raw };
  };
}

function batchMaker(run: Run): BatchMaker {
  const { config, robot, statistics, tokenizer, seed } = run;
  const { model } = config;
  const fast = tokenizer && {
    tokenizer: chunkTokenizer(tokenizer, statistics, robot),
    length: model.maxFastTokens,
  };
  return new BatchMaker({
    robot,
    statistics,
    cameras: model.cameras,
    ...(fast && { fast }),
    flowSamples: model.flowSamples,
    taskNumStages: model.taskNumStages,
    stageSuccessors: model.stageSuccessors,
    stageNoise: config.stageNoise,
    stateNoise: config.stateNoise,
    pictures: config.pictures,
    outcomes: run.outcomes,
    seed,
  });
}

function scheduleOf({ schedule, steps }: RunConfig): Schedule {
  const { warmupSteps, peak, finalShare, decaySteps } = schedule;
  const end = decaySteps ?? steps;
  return { warmupSteps: Math.min(warmupSteps, Math.floor(end / 2)), peak, decaySteps: end, final: peak * finalShare };
}

/** What is read of the network at update `step`: norms where it is logged, histograms every so many updates. */
function readingOf({ logEvery, histogramEvery, steps }: RunConfig, step: number): ReadingOptions | undefined {
  const histograms = histogramEvery > 0 && step % histogramEvery === 0;
  return histograms || step % logEvery === 0 || step === steps ? { histograms } : undefined;
}

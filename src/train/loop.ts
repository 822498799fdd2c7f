import type { ChunkStatistics, FastTokenizer } from '../action/index.ts';
import { codeVersion, present, ValetError, type WorkerClient } from '../base/index.ts';
import type { Robot } from '../robot/index.ts';
import { sampleNames } from './badSamples.ts';
import { BatchMaker, batchBuffers } from './batch.ts';
import type { RunConfig } from './config.ts';
import { heldOutBatch, requireStages, type TrainingData } from './data.ts';
import { RunEvents } from './events/index.ts';
import { chunkTokenizer } from './fastTokens.ts';
import type { RunFolder, RunRecord } from './folder.ts';
import { average, Meter } from './meter.ts';
import type { ReadingOptions } from './networkReading.ts';
import type { TrainOptions } from './options.ts';
import { progressLine } from './progressLine.ts';
import { saveTrainingCheckpoint } from './save.ts';
import { learningRate, type Schedule } from './schedule.ts';
import type { Losses, StepReport, TrainerInfo, TrainerSnapshot } from './trainer.ts';

export interface TrainResult {
  readonly step: number;
  readonly steps: number;
  /** The newest checkpoint's folder. */
  readonly checkpoint: string;
  /** Why it ended before its last step, if it did. */
  readonly stopped?: 'interrupted' | 'time limit';
  /** Mean over the last logged updates. */
  readonly losses: Losses;
  readonly samplesPerSecond: number;
  /** Updates that were left out because their gradients were not finite; `skipped.jsonl` names their samples. */
  readonly skippedUpdates: number;
  /** Samples that were never trained on because of bad numbers; `left-out.jsonl` names them. */
  readonly leftOutSamples: number;
}

export interface Run {
  readonly options: TrainOptions;
  readonly config: RunConfig;
  readonly robot: Robot;
  readonly seed: number;
  readonly folder: RunFolder;
  readonly data: TrainingData;
  readonly client: WorkerClient;
  readonly info: TrainerInfo;
  readonly statistics: ChunkStatistics;
  readonly tokenizer: FastTokenizer | undefined;
  readonly record: RunRecord;
  /** Names of the tasks that the weights were trained on. */
  readonly tasks: readonly string[];
  /** Names of the data's tasks by id. */
  readonly taskNames: ReadonlyMap<number, string>;
  /** Updates that were made already. */
  readonly start: number;
  readonly log: (line: string) => void;
}

/** Updates in a row that may be left out because their gradients were not finite. */
const MOST_SKIPPED = 20;
/** Lines for a person come at most this often. */
const LINE_EVERY_MS = 5000;

/** The updates: while the trainer's thread computes one, this thread makes the next batch. */
export async function runLoop(run: Run): Promise<TrainResult> {
  const { options, config, seed, folder, data, client, info, start, log } = run;
  const { steps } = config;
  const maker = new BatchMaker({
    robot: run.robot,
    statistics: run.statistics,
    cameras: config.model.cameras,
    ...(run.tokenizer && {
      fast: {
        tokenizer: chunkTokenizer(run.tokenizer, run.statistics, run.robot),
        length: config.model.maxFastTokens,
      },
    }),
    flowSamples: config.model.flowSamples,
    taskNumStages: config.model.taskNumStages,
    stageSuccessors: config.model.stageSuccessors,
    stageNoise: config.stageNoise,
    stateNoise: config.stateNoise,
    pictures: config.pictures,
    seed,
  });
  const makeBatch = (step: number) => {
    const raw = data.store.batch(step, config.batch, seed);
    requireStages(raw, config.model.taskNumStages);
    return { batch: maker.make(raw, step), source: raw };
  };
  const events = await RunEvents.open(folder.path, start, { cameras: config.model.cameras, taskNames: run.taskNames });
  const schedule = scheduleOf(config);
  const meter = new Meter(config.batch);
  const began = performance.now();
  let away = 0; // time for checkpoints and validation
  let [saved, skipped, lastLine] = [start, 0, Number.NEGATIVE_INFINITY];
  let skippedUpdates = await folder.skippedUpdates(start);
  let pace = { losses: {} as Losses, gradientNorm: 0, samplesPerSecond: 0, dataWait: 0 };
  let stopped: TrainResult['stopped'];
  const aside = async (work: () => Promise<void>): Promise<void> => {
    const since = performance.now();
    await work();
    meter.pause(performance.now() - since);
    away += performance.now() - since;
  };

  const left = () => ({ skippedUpdates, leftOutSamples: data.skipped.length });
  let step = start;
  let next = step < steps ? makeBatch(step) : undefined;
  while (next) {
    const { batch, source } = next;
    const rate = learningRate(schedule, step);
    if (step === 0) await events.firstBatch(step, batch);
    const read = readingOf(config, step + 1);
    const request = { batch, learningRate: rate, ...(read && { read }) };
    const running = client.call<StepReport>('step', request, { transfer: batchBuffers(batch) });
    running.catch(() => undefined); // awaited below; making the next batch may throw first
    next = step + 1 < steps ? makeBatch(step + 1) : undefined;
    const report = await running;
    step++;
    meter.add(report);
    await events.add(step, report);
    skipped = report.applied ? 0 : skipped + 1;
    if (!report.applied) {
      skippedUpdates++;
      await folder.append('skipped.jsonl', { step, samples: sampleNames(data.store, source) });
    }
    if (skipped >= MOST_SKIPPED)
      throw new ValetError(
        folder.path,
        `the gradients were not finite for ${skipped} updates in a row (step ${step}). Lower schedule.peak, or ` +
          'look at the samples that skipped.jsonl names.',
      );

    if (step % config.logEvery === 0 || step === steps) {
      pace = meter.read();
      const trained = (performance.now() - began - away) / 1000;
      const secondsLeft = (trained / (step - start)) * (steps - step);
      const { losses, gradientNorm, samplesPerSecond, dataWait } = pace;
      const network = await events.log(step, pace, { learningRate: rate, reading: report.reading });
      await folder.append('metrics.jsonl', {
        step,
        time: Date.now() / 1000,
        ...losses,
        learningRate: rate,
        gradientNorm,
        samplesPerSecond,
        dataWait,
        ...network,
        ...(skippedUpdates > 0 && { skippedUpdates }),
      });
      if (performance.now() - lastLine > LINE_EVERY_MS || step === steps) {
        lastLine = performance.now();
        const peakShare = info.peak && (samplesPerSecond * info.flops) / config.batch / info.peak / 1e9;
        log(
          progressLine({
            step,
            steps,
            losses,
            learningRate: rate,
            samplesPerSecond,
            dataWait,
            secondsLeft,
            skippedUpdates,
            ...(peakShare ? { peakShare } : {}),
          }),
        );
      }
    }
    options.onStep?.(step);
    if (options.signal?.aborted) stopped = 'interrupted';
    else if (performance.now() - began > (options.timeLimitMinutes ?? Number.POSITIVE_INFINITY) * 60_000)
      stopped = 'time limit';
    if (data.heldOut && (step % config.validation.every === 0 || step === steps))
      await aside(() => validate(run, maker, step, events));
    if (step % config.checkpointEvery === 0 || step === steps || stopped) {
      await aside(() => save(run, step));
      saved = step;
    }
    if (stopped && step < steps) {
      log(`stopped at step ${step} of ${steps} (${stopped}); saved. --resume goes on.`);
      return {
        step,
        steps,
        checkpoint: folder.checkpoint(saved),
        stopped,
        losses: pace.losses,
        samplesPerSecond: pace.samplesPerSecond,
        ...left(),
      };
    }
  }
  return {
    step,
    steps,
    checkpoint: folder.checkpoint(saved),
    losses: pace.losses,
    samplesPerSecond: pace.samplesPerSecond,
    ...left(),
  };
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

async function save(
  { folder, config, robot, statistics, tokenizer, record, tasks, client, seed }: Run,
  step: number,
): Promise<void> {
  const snapshot = await client.call<TrainerSnapshot>('snapshot');
  const { data, dataFingerprint, steps, init, versions } = record;
  await saveTrainingCheckpoint(folder.checkpoint(step), snapshot, {
    model: config.model,
    robot,
    statistics,
    tokenizer,
    policy: { samplingSteps: config.samplingSteps },
    card: { step, steps, seed, batch: config.batch, tasks, data, dataFingerprint, init, versions, code: codeVersion() },
  });
  await folder.publish(step, config.keepCheckpoints);
}

async function validate(run: Run, maker: BatchMaker, step: number, events: RunEvents): Promise<void> {
  const { folder, config, data, client, log } = run;
  const all: Losses[] = [];
  for (let i = 0; i < config.validation.batches; i++) {
    const raw = heldOutBatch(present(data.heldOut, 'data.heldOut'), i, config.validation.batches, config.batch);
    const batch = maker.make(raw, i, { still: true, label: 'validation' });
    all.push(await client.call<Losses>('validate', batch, { transfer: batchBuffers(batch) }));
  }
  const losses = average(all);
  await folder.append('validation.jsonl', { step, time: Date.now() / 1000, ...losses });
  await events.validation(step, losses);
  log(
    `held out at step ${step}: ${Object.entries(losses)
      .map(([name, value]) => `${name.replace('loss/', '')} ${value.toPrecision(3)}`)
      .join(', ')}`,
  );
}

import { availableParallelism } from 'node:os';
import { initParameters, PROCESS_BYTES, trainingMemory } from '../model/index.ts';
import { BEHAVIOR_STAGES, CHALLENGE_ROBOT } from '../robot/index.ts';
import { type RunConfig, settledConfig, type TrainConfig } from './config.ts';
import { frozenLeaves } from './freeze.ts';
import { trainedWith, trainingRefusal } from './memory.ts';
import { randomBatch } from './randomBatch.ts';
import { Trainer } from './trainer.ts';

/** What an update takes on this machine, in one setting. */
export interface UpdatePace {
  readonly threads: number;
  /** Samples of an update. */
  readonly batch: number;
  /** Of the fastest of the measured updates, without what makes its batch. */
  readonly milliseconds: number;
  readonly samplesPerSecond: number;
  /** Estimated memory of the whole process. */
  readonly bytes: number;
}

export interface PaceSettings {
  readonly threads: readonly number[];
  readonly batches: readonly number[];
}

export interface PaceAdvice {
  readonly threads: number;
  readonly batch: number;
  readonly samplesPerSecond: number;
  /** Seconds of the configuration's updates at this pace: the network alone. */
  readonly seconds: number;
  /** Whole sentences that say why. */
  readonly reasons: readonly string[];
}

/** Updates after the first one, which fills the runtime's arenas. */
const UPDATES = 3;
/** A gain below this share is within what a busy machine hides. */
const WORTH = 0.05;
/** A larger batch changes what is learned in an update, so it must win clearly. */
const WORTH_A_LARGER_BATCH = 0.15;

/** A configuration as it trains for the challenge's robot. */
export function paceConfig(config: TrainConfig): RunConfig {
  return settledConfig(config, { robot: CHALLENGE_ROBOT, taskNumStages: BEHAVIOR_STAGES });
}

/**
 * Thread counts (powers of two up to the cores, and the cores) and batches (half, the configuration's own, double,
 * fourfold; none that does not fit into `usable` bytes) to measure.
 */
export function paceSettings(config: RunConfig, usable: number, cores = availableParallelism()): PaceSettings {
  const threads = [...new Set([1, 2, 4, 8, 16, 32, 64, cores].filter((count) => count <= cores))].sort((a, b) => a - b);
  const { batch, accumulate, model, freeze, lora, recompute, layerwise } = config;
  const batches = [batch / 2, batch, 2 * batch, 4 * batch].filter(
    (samples) =>
      samples >= 1 &&
      samples % accumulate === 0 &&
      !trainingRefusal(
        { model, batch: samples, freeze, lora, accumulate, recompute, layerwise, fresh: true },
        usable - PROCESS_BYTES,
      ),
  );
  return { threads, batches };
}

/**
 * Measures updates (loss, gradients, AdamW, average) of a network with random weights on random data: the
 * configuration's batch with each number of threads, then the other batches with the fastest.
 * @param each hears of every measurement
 */
export async function measurePaces(
  config: RunConfig,
  { threads, batches }: PaceSettings,
  each: (pace: UpdatePace) => void = () => {},
): Promise<UpdatePace[]> {
  const paces: UpdatePace[] = [];
  const measure = async (count: number, batch: number) => {
    const pace = await measurePace(config, count, batch);
    paces.push(pace);
    each(pace);
  };
  const own = batches.includes(config.batch) ? config.batch : batches[0];
  if (own === undefined) return paces;
  for (const count of threads) await measure(count, own);
  const best = fastest(paces).threads;
  for (const batch of batches) if (batch !== own) await measure(best, batch);
  return paces;
}

async function measurePace(config: RunConfig, threads: number, batch: number): Promise<UpdatePace> {
  const { model, optimizer, accumulate, recompute, layerwise, freeze, lora } = config;
  const trainer = await Trainer.open({
    ...{ model, batch, optimizer, accumulate, recompute, layerwise, threads, lora },
    frozen: frozenLeaves(model, { freeze, lora }),
    noiseFactor: null,
    fastTokens: false,
    start: { parameters: initParameters(model, 'pace') },
  });
  try {
    const data = randomBatch(model, batch);
    let milliseconds = Number.POSITIVE_INFINITY;
    for (let update = 0; update <= UPDATES; update++) {
      const report = await trainer.step(data, 1e-6);
      if (update > 0) milliseconds = Math.min(milliseconds, report.milliseconds);
    }
    const trains = trainedWith(model, { freeze, lora });
    const form = { accumulate, recompute, layerwise, lora, fresh: true };
    const bytes = trainingMemory(model, batch, trains, form).total + PROCESS_BYTES;
    return { threads, batch, milliseconds, samplesPerSecond: (1000 * batch) / milliseconds, bytes };
  } finally {
    await trainer.close();
  }
}

const fastest = (paces: readonly UpdatePace[]): UpdatePace =>
  paces.reduce((best, pace) => (pace.samplesPerSecond > best.samplesPerSecond ? pace : best));

/**
 * What to train with, of what was measured. Of numbers of threads that are as fast, the smallest. A batch other than
 * the configuration's own changes the training, so it has to be clearly faster.
 */
export function adviseTraining(
  { batch, steps }: Pick<RunConfig, 'batch' | 'steps'>,
  paces: readonly UpdatePace[],
): PaceAdvice {
  const ownBatch = paces.some((pace) => pace.batch === batch) ? batch : (paces[0]?.batch ?? batch);
  const own = paces.filter((pace) => pace.batch === ownBatch);
  const best = fastest(own);
  const enough = own.reduce(
    (least, pace) =>
      pace.threads < least.threads && pace.samplesPerSecond >= (1 - WORTH) * best.samplesPerSecond ? pace : least,
    best,
  );
  const reasons: string[] = [];
  const one = own.find(({ threads }) => threads === 1);
  if (one && enough.threads > 1)
    reasons.push(`${enough.threads} threads are ${ratio(enough, one)} times as fast as one.`);
  if (enough.threads < Math.max(...own.map(({ threads }) => threads)))
    reasons.push(`More threads than ${enough.threads} do not help: leave the other cores to what makes the batches.`);
  if (ownBatch !== batch) reasons.push(`The configuration's batch of ${batch} does not fit into memory.`);
  const others = paces.filter((pace) => pace.threads === best.threads && pace.batch !== ownBatch);
  const larger = others.length > 0 ? fastest(others) : undefined;
  if (larger && larger.samplesPerSecond > (1 + WORTH_A_LARGER_BATCH) * best.samplesPerSecond)
    reasons.push(
      `A batch of ${larger.batch} gives ${ratio(larger, best)} times the samples a second. ` +
        'It is another training: fewer, larger updates ask for another learning rate.',
    );
  else if (larger) reasons.push('No other batch gives clearly more samples in a second.');
  const seconds = (steps * batch) / enough.samplesPerSecond;
  return { threads: enough.threads, batch: ownBatch, samplesPerSecond: enough.samplesPerSecond, seconds, reasons };
}

const ratio = (a: UpdatePace, b: UpdatePace): string => (a.samplesPerSecond / b.samplesPerSecond).toFixed(2);

import { availableParallelism } from 'node:os';
import { InputError, lockFolder, present, ValetError, WorkerClient } from '../base/index.ts';
import { checkpointDigest, flowNoise } from '../model/index.ts';
import { robotRecord } from '../robot/index.ts';
import { loadWeights } from '../tensor/index.ts';
import { sampleName, withoutFar } from './badSamples.ts';
import { keepWeights, keptWeights, readBaseWeights, writeBaseWeights } from './baseWeights.ts';
import { NOTHING_CARRIED } from './carried.ts';
import { chosenBest, chosenRollouts } from './chosenWatch.ts';
import { checkTrainConfig, type RunConfig, requireEqualParts } from './config.ts';
import { loadData } from './data.ts';
import { dataTasks, trainedTasks } from './dataTasks.ts';
import { farValues, requireNear } from './farValues.ts';
import { chooseTokenizer } from './fastTokens.ts';
import { RunFolder, type RunRecord } from './folder.ts';
import { follow } from './follow.ts';
import { frozenLeaves } from './freeze.ts';
import { openInitial, requireSameModel, startingWeights } from './initialWeights.ts';
import { runLoop, type TrainResult } from './loop.ts';
import { requireTrainingMemory } from './memory.ts';
import { estimateLine } from './memoryLines.ts';
import { denseFactor } from './noiseFactor.ts';
import type { TrainOptions } from './options.ts';
import { Outcomes } from './outcomes.ts';
import type { Ranks } from './ranks/index.ts';
import { findResumePoint } from './resumePoint.ts';
import type { Run } from './run.ts';
import { differences, requireSameRun } from './sameRun.ts';
import { readScans, writeScans } from './scans.ts';
import { fitModel, settle } from './settle.ts';
import { chooseStatistics, requireSameStatistics } from './statistics.ts';
import type { TrainerInfo, TrainerOptions } from './trainerOptions.ts';
import { validationKeys } from './validation.ts';
import { versions } from './versions.ts';

/**
 * Trains a policy: statistics, batches, updates, checkpoints. The same configuration, data, seed and number of
 * threads give the same
 * bytes, also when the run is interrupted and resumed.
 * @throws InputError for bad options or data, before anything is written; ValetError when the loss stays non-finite
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  return present(await trainRank(options), 'the result');
}

/**
 * Trains alone, or as one of several ranks. Rank 0 alone locks the folder and writes.
 * @returns null on the other ranks
 */
export async function trainRank(options: TrainOptions, ranks?: Ranks): Promise<TrainResult | null> {
  const lock = ranks && ranks.rank > 0 ? undefined : await lockFolder(options.out, 'valet train');
  const ends = [async () => lock?.release()];
  try {
    return await trainLocked(options, { ranks, ends });
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

/** @param ends what is to be ended afterwards */
async function trainLocked(
  options: TrainOptions,
  { ranks, ends }: { ranks: Ranks | undefined; ends: (() => Promise<void>)[] },
): Promise<TrainResult | null> {
  const { data: folders, log = () => undefined, out } = options;
  const silent = options.log === undefined;
  const folder = new RunFolder(out, options.whenFull);
  const before = await folder.record();
  if (before && !options.resume)
    throw new InputError(out, 'holds a run already. Add --resume to go on with it, or choose another folder.');
  if (!before && options.resume)
    throw new InputError(out, 'holds no run to go on with. Leave --resume out to begin one, or name its folder.');
  if (options.tokenizer !== undefined && !options.config.model.useFastAuxiliary)
    throw new InputError(
      '--tokenizer',
      'has no effect: the network is trained without FAST tokens. Leave it out, or --set model.useFastAuxiliary=true.',
    );
  if (!before && (await folder.hasCheckpoints()))
    throw new InputError(out, 'holds checkpoints and no run.json. Put it back, or choose another folder.');
  // What is not said is the run's.
  const { seed = before?.seed ?? 0 } = options;
  const asBefore = (before?.ranks ?? 1) === (ranks?.size ?? 1) ? before?.threads : undefined;
  const threads = options.threads ?? asBefore ?? ranks?.threads ?? availableParallelism();
  const batch = ranks?.share(options.config.batch) ?? options.config.batch;
  requireEqualParts(batch, options.config.accumulate, ranks ? 'the share of a rank' : 'training configuration');
  const found = before && (await findResumePoint(folder, before, log, options));
  const latest = found?.path;
  const resumed = found?.point;
  if (resumed && options.config.steps < resumed.step)
    throw new InputError(
      '--steps',
      `${options.config.steps} is less than the ${resumed.step} updates that ${out} has already. Name more.`,
    );
  if (resumed && options.minStd !== undefined)
    throw new InputError('--min-std', `has no effect: the run in ${out} has its statistics. Leave it out.`);
  if (resumed && options.stats !== undefined) await requireSameStatistics(options.stats, resumed.statistics, out);
  const initial = options.init !== undefined && !resumed ? await openInitial(options.init, options) : null;

  const { robot, sets, config: wanted } = await settle(options, resumed ?? initial, log);
  const memory = { available: options.availableMemory ?? ranks?.memory };
  const share = { batch, fresh: !initial && !resumed, ...(ranks && { ranks: ranks.size }) };
  requireTrainingMemory({ ...wanted, ...share }, memory);
  const taskNames = dataTasks(sets);
  const plan = await chosenRollouts(options, { before, ofData: [...taskNames.values()], robot });
  const { skipBad = false, skipFar = before?.skipFar ?? false } = options;
  const loaded = await loadData(folders, wanted, {
    robot,
    sets,
    choice: options.choice,
    seed,
    workers: threads,
    log,
    silent,
    skipBad,
    known: before ? await readScans(out) : {},
    frameCache: options.frameCache,
  });
  ends.push(loaded.close);
  if (options.signal?.aborted)
    throw new ValetError(out, 'interrupted before the first update; nothing was written.', 'interrupted');
  const model = fitModel(wanted, loaded.store.taskInfoSize);
  checkTrainConfig({ ...wanted, model });
  const config: RunConfig = { ...wanted, model };
  requireTrainingMemory({ ...config, ...share }, memory);
  const record: RunRecord = {
    config,
    robot: robotRecord(robot),
    seed,
    steps: config.steps,
    data: [...folders],
    dataFingerprint: loaded.fingerprint,
    threads,
    ...(ranks && { ranks: ranks.size }),
    init: options.init ?? null,
    initDigest: options.init === undefined ? null : await checkpointDigest(options.init),
    versions: versions(),
    ...(skipFar && { skipFar }),
    ...(plan && { rollouts: { ...plan, tasks: [...plan.tasks] } }),
  };
  if (before) requireSameRun(out, before, record);
  if (before && options.init === undefined) Object.assign(record, { init: before.init, initDigest: before.initDigest });
  if (resumed && latest !== undefined) {
    log(`goes on after step ${resumed.step} (${latest}), with the statistics of the run`);
  } else if (before) log('no checkpoint yet: begins again');
  for (const [what, was, now] of before ? differences(before, record) : [])
    log(`the run had ${what} ${was}, now ${now}: its last bits differ from those of a run in one go`);
  if (before && before.steps !== config.steps)
    log(`the schedule ended at step ${before.steps}; now it ends at ${config.steps}`);
  if (initial) requireSameModel(present(options.init, 'options.init'), initial.config, model);
  const { statistics, from } = resumed
    ? { statistics: resumed.statistics, from: undefined }
    : await chooseStatistics({
        ...{ robot, model, data: sets, threads, silent, log, skipWrong: skipBad },
        file: options.stats,
        minStd: options.minStd,
        initial: initial
          ? {
              from: present(options.init, 'options.init'),
              statistics: initial.normStats,
              recorded: initial.card['statistics'],
            }
          : undefined,
      });
  const near = skipFar ? await withoutFar(loaded.store, statistics, log) : { store: loaded.store, skipped: [] };
  const data = { ...loaded, store: near.store, skipped: [...loaded.skipped, ...near.skipped] };
  const far = resumed ? [] : await farValues(data.store, statistics, robot);
  const nameOf = (sample: number) => sampleName(data.store, sample);
  requireNear(far, { from, allow: options.allowFar ?? false, nameOf, log });
  const outcomes = await Outcomes.read(sets, config, log);
  const tokenizer = await chooseTokenizer(model, {
    folder: options.tokenizer,
    kept: latest,
    initial: options.init,
    robot,
    store: data.store,
    statistics,
    log,
  });
  const noise = flowNoise(model, statistics);
  const { lora } = config;
  const untrained = frozenLeaves(model, config);
  const begun = resumed
    ? new Map([...resumed.frozen, ...(await readBaseWeights(out, lora, model)), ...resumed.parameters])
    : await startingWeights(model, seed, { initial, lora });
  const still = new Map([...begun].filter(([leaf]) => untrained.includes(leaf)));
  const writes = !ranks || ranks.rank === 0;
  // Layer by layer, updates read them from the run's own folder.
  if (config.layerwise && writes) await keepWeights(out, still);
  await ranks?.agree({ config, seed, data: data.fingerprint, step: resumed?.step ?? 0 });
  const frozen = config.layerwise ? await keptWeights(out, still) : await loadWeights(still);
  const weights = new Map([...begun, ...frozen]);
  const client = ranks?.client ?? WorkerClient.start('train/trainer.worker');
  try {
    const info = await client.call<TrainerInfo>('open', {
      model,
      batch,
      accumulate: config.accumulate,
      recompute: config.recompute,
      layerwise: config.layerwise,
      optimizer: config.optimizer,
      noiseFactor: denseFactor(noise),
      threads,
      ...{ frozen: untrained, lora },
      sampleWeights: config.advantage.baseline !== 'none',
      start: { ...resumed, parameters: weights },
      measurePeak: !silent,
    } satisfies TrainerOptions);
    const best = chosenBest(options, {
      ...{ before, rollouts: plan !== undefined, heldOut: data.heldOut !== null },
      keys: validationKeys({ info, robot, config }),
    });
    const run: Run = {
      ...{
        options,
        config,
        robot,
        seed,
        folder,
        data,
        client,
        info,
        frozen,
        statistics,
        tokenizer,
        record,
        ranks,
        log,
      },
      tasks: await trainedTasks(taskNames, resumed && latest !== undefined ? latest : options.init),
      ...{ taskNames, plan, best, far, outcomes },
      start: resumed?.step ?? 0,
      carried: resumed?.carried ?? NOTHING_CARRIED,
    };
    if (ranks && ranks.rank > 0) {
      await follow(run);
      return null;
    }
    await folder.begin({ ...record, ...(best && { best: best.measure }) });
    if (!resumed && !config.layerwise) await writeBaseWeights(out, lora, frozen);
    await folder.rewind(resumed?.step ?? 0);
    await folder.writeLeftOut(data.skipped);
    await writeScans(out, data.scans);
    const peak = info.peak ? `, this machine reaches ${info.peak.toFixed(0)} GFLOP/s on ${threads} threads` : '';
    const work = `${(info.flops / config.batch / 1e9).toFixed(2)} GFLOP a sample${peak}`;
    log(`${(info.parameters / 1e6).toFixed(2)} M parameters · ${data.summary} · ${work}`);
    log(estimateLine({ ...config, ...share }));
    if (ranks) log(ranks.words(threads));
    return await runLoop(run);
  } finally {
    if (!ranks) await client.close();
  }
}

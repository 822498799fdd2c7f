import { InputError } from '../../base/index.ts';
import { type HomeTask, homeTask, type LimitYear, type PerturbationSpec, perturbationName } from '../../home/index.ts';
import { type CheckpointProvenance, checkStatistics, readCheckpoint } from '../../model/index.ts';
import { requireDevice } from '../../tensor/index.ts';
import {
  contentOf,
  counted,
  evaluationVersions,
  type LedgerLine,
  noteCheckpointsAtEnd,
  takesNoSeed,
  unitsOf,
} from '../ledger/index.ts';
import type { EvaluationSummary } from '../scores/index.ts';
import { askServer, type ServerWait } from './connectRemote.ts';
import type { DataSettings } from './episodeData.ts';
import { inEvaluationFolder } from './evaluationFolder.ts';
import { serverOutage } from './outage.ts';
import { type OnDone, type PlayOptions, playUnits, seedsOf } from './playUnits.ts';
import { describePolicy, type PolicySpec, policyTitle, requireAlike, withoutSecrets } from './policySpec.ts';
import { openQueueRunner } from './queue/index.ts';
import type { WorkerSettings } from './rollout.worker.ts';
import { requireTrainInstances, withRolloutData } from './rolloutData.ts';
import type { Runner } from './runner.ts';
import { threadRunners } from './workerRunner.ts';

export interface EvaluateOptions extends PlayOptions, ServerWait {
  readonly policy: PolicySpec;
  readonly tasks: readonly string[];
  readonly instances: readonly number[];
  /** The evaluation folder. */
  readonly out: string;
  /** Threads, each with episodes of its own (1); with a queue, episodes under way at a time on all machines (64). */
  readonly workers?: number | undefined;
  /**
   * Episodes under way at a time in each thread (1): a checkpoint plans for all of them in one pass. Results are the
   * same, except on devices that round otherwise then.
   */
  readonly environments?: number | undefined;
  /** A Redis, `redis://…`: workers on any machine play the episodes, none is played here. */
  readonly queue?: string | undefined;
  /** Go on with what the folder holds. */
  readonly resume?: boolean | undefined;
  /** Fewer steps than the tasks' time-outs, for tests. */
  readonly maxSteps?: number | undefined;
  /** Whose time-outs hold: twice the experts' mean ('2025'), or 1.5 times ('2026'). */
  readonly edition?: LimitYear | undefined;
  /** What goes wrong in every episode. */
  readonly perturb?: readonly PerturbationSpec[] | undefined;
  /** Side of the pictures for a policy that does not say what it wants (a server). */
  readonly imageSize?: number | undefined;
  /**
   * Keep the rollouts as a LeRobot data set in this folder; train instances alone, no queue, nothing that goes wrong.
   */
  readonly recordData?: string | undefined;
  /** Keep the rollouts (on by default). */
  readonly record?: boolean | undefined;
  /** Told who will play with which seeds before anything is written or played; may throw. */
  readonly onIdentity?: ((identity: { readonly policy: object; readonly seed: string | null }) => void) | undefined;
  /** A title for the report. */
  readonly label?: string | undefined;
}

/**
 * Plays every unit and books it: ledger.jsonl, json/<unit>.json, rollouts/<unit>/, run.json
 * (docs/contract.md#evaluation-folder). An invalid episode is tried once more and then reported as missing; a later run
 * of the command tries it again. When the server goes away, it is waited for once for all episodes. What a unit comes
 * to does not depend on which worker plays it.
 * @throws InputError for unknown tasks or a folder of another evaluation; ValetError (interrupted) when `signal` ended
 *   it
 */
export async function evaluate(options: EvaluateOptions): Promise<EvaluationSummary> {
  const {
    policy,
    instances,
    out,
    maxSteps,
    edition,
    perturb = [],
    imageSize = 64,
    record = true,
    resume = false,
    environments = 1,
  } = options;
  const tasks = options.tasks.map((name) => homeTask(name));
  requireWork(tasks, instances);
  requireRecordable(options);
  const seeds = seedsOf(options);
  const server = policy.kind === 'remote' ? await askServer(policy, options) : undefined;
  const seeded = server?.seeded ?? !takesNoSeed(policy);
  if (policy.kind === 'remote' && !seeded)
    options.onNotice?.(`${policy.url} takes no seed: --seed has no effect on its noise and is not recorded.`);
  requireAlike(policy, environments);
  if (policy.kind === 'checkpoint') {
    requireDevice(policy.planner?.device ?? 'cpu');
    const note = await checkStatistics(policy.folder, policy.planner ?? {});
    if (note !== undefined) options.onNotice?.(note);
  }
  const { policy: words, checkpoints = server?.checkpoints } = await describePolicy(policy);
  const identity = {
    policy: { ...words, ...(server?.checkpoints && { checkpoints: server.checkpoints.map(({ hash }) => hash) }) },
    checkpoints,
    server: server?.code,
    seed: seeded ? seeds.join() : null,
    maxSteps,
    edition,
    perturb: perturb.map(perturbationName),
    imageSize: policy.kind === 'remote' ? imageSize : undefined,
    tasks,
    instances,
    rollouts: seeds.length,
    label: options.label,
  };
  options.onIdentity?.(identity);
  const settings = {
    policy,
    seeds,
    imageSize,
    environments,
    maxSteps,
    edition,
    perturb,
    recordTo: record ? out : undefined,
  };
  const units = unitsOf(
    tasks.map(({ name }) => name),
    instances,
    seeds.length,
  );
  const outage = policy.kind === 'remote' && server ? serverOutage(policy, server, options) : undefined;
  const play = { progressLabel: policy.kind, ...options, outage };
  return inEvaluationFolder(out, { ...identity, onNotice: options.onNotice }, resume, async (book, onDone) => {
    const playAll = async (data?: DataSettings, keep?: OnDone) => {
      const runners = await openRunners({ ...settings, data }, words, options);
      const each: OnDone = async (line, episode) => {
        await keep?.(line, episode);
        await onDone(line);
      };
      return playUnits(units, book, runners.open, play, each).finally(runners.close);
    };
    const summary = await (options.recordData === undefined
      ? playAll()
      : withRolloutData(
          {
            ...{ dir: options.recordData, tasks, units, lines: book.lines, resume, policy: identity.policy },
            imageSize: policy.kind === 'checkpoint' ? await pictureSide(policy) : imageSize,
            identity: {
              policy: identity.policy,
              seed: identity.seed,
              maxSteps,
              edition,
              versions: evaluationVersions(),
            },
          },
          playAll,
        ));
    if (policy.kind === 'remote') tellSingleActions(policy, book.lines, options);
    if (policy.kind === 'remote' && server?.checkpoints && summary.stopped === undefined)
      await compareAtEnd(policy, server.checkpoints, options);
    return summary;
  });
}

/** Side of the pictures that a checkpoint's network takes. */
const pictureSide = async ({ folder, planner }: Extract<PolicySpec, { kind: 'checkpoint' }>): Promise<number> =>
  (await readCheckpoint(folder, planner)).config.imageSize;

/** @throws InputError for rollouts that cannot become a data set */
function requireRecordable({ recordData, queue, perturb = [], instances }: EvaluateOptions): void {
  if (recordData === undefined) return;
  if (queue !== undefined)
    throw new InputError(
      '--record-data',
      'is not built for --queue: workers elsewhere cannot write to the folder. Leave --queue out.',
    );
  if (perturb.length > 0)
    throw new InputError(
      '--record-data',
      'is not built for --perturb: looking at every picture would change what goes wrong. Leave one of them out.',
    );
  requireTrainInstances(instances);
}

/** Says in how many episodes the server gave no chunks, so that single actions were played. */
function tellSingleActions(
  { url, chunkSize = 1 }: Parameters<typeof askServer>[0],
  lines: readonly LedgerLine[],
  { onNotice }: EvaluateOptions,
): void {
  const played = counted(lines).filter(({ queries }) => queries !== undefined);
  const single = played.filter(({ queries = 0, steps }) => queries > Math.ceil(steps / chunkSize));
  if (chunkSize > 1 && single.length > 0)
    onNotice?.(
      `${url} gave single actions in ${single.length} of ${played.length} episodes, at least from some step on: ` +
        `it could not fill a chunk of ${chunkSize}.`,
    );
}

/** Episodes under way at a time on all machines, unless told. */
const QUEUED = 64;

/** What opens the runners: threads here, or a queue that all of them share. */
async function openRunners(
  settings: WorkerSettings,
  words: Readonly<Record<string, unknown>>,
  { workers, queue, out, tasks, onNotice }: EvaluateOptions,
): Promise<{ open: (() => Runner | Promise<Runner>)[]; close: () => Promise<void> }> {
  if (queue === undefined) {
    const threads = Array.from({ length: Math.max(1, workers ?? 1) }, () => threadRunners(settings));
    // Round robin: when few episodes are open, every thread has some.
    const open = Array.from({ length: settings.environments ?? 1 }, () => threads).flat();
    return { open, close: async () => {} };
  }
  const { recordTo, environments: _, data: __, ...rest } = settings;
  const policy = withoutSecrets(settings.policy);
  const run = {
    ...rest,
    policy,
    record: recordTo !== undefined,
    content: contentOf(JSON.parse(JSON.stringify(words))),
    versions: evaluationVersions(),
    title: `${policyTitle(policy)} in ${tasks.join(', ')}`,
  };
  const runner = await openQueueRunner({ address: queue, out, run, onNotice });
  const shared = { ...runner, close: async () => {} };
  return { open: Array.from({ length: workers ?? QUEUED }, () => () => shared), close: runner.close };
}

/** Says, and notes in run.json, when a server plays other weights at the end than at the beginning. */
async function compareAtEnd(
  policy: Parameters<typeof askServer>[0],
  atStart: readonly CheckpointProvenance[],
  { out, onNotice }: EvaluateOptions,
): Promise<void> {
  // A server that has gone meanwhile has nothing to say.
  const atEnd = (await askServer(policy).catch(() => undefined))?.checkpoints;
  const hashes = (checkpoints: readonly CheckpointProvenance[]) => checkpoints.map(({ hash }) => hash).join();
  if (!atEnd || hashes(atEnd) === hashes(atStart)) return;
  await noteCheckpointsAtEnd(out, [...atEnd]);
  onNotice?.(`${policy.url} serves another checkpoint now than at the beginning: the scores may be of both.`);
}

/** @throws InputError when there is nothing to evaluate */
export function requireWork(tasks: readonly HomeTask[], instances: readonly number[]): void {
  if (tasks.length === 0 || instances.length === 0)
    throw new InputError('evaluate', 'there is nothing to do: name tasks and instances.');
}

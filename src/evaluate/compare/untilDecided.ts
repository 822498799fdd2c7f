import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, readJson } from '../../base/index.ts';
import { INSTANCE_RANGES, PERTURBATION_AXES, parsePerturbations, splitOf } from '../../home/index.ts';
import { type RunFile, RunFileSchema, readLedger, runFilePath } from '../ledger/index.ts';
import { type EvaluateOptions, evaluate, playedPolicy } from '../rollouts/index.ts';
import { pairLedgers } from './pairs.ts';
import { type SequentialResult, testInOrder } from './sequentially.ts';

export interface UntilDecidedOptions
  extends Pick<EvaluateOptions, 'workers' | 'silent' | 'signal' | 'waitMs' | 'onWait'> {
  /** Two evaluation folders; both are gone on with. */
  readonly a: string;
  readonly b: string;
  /** Instances of each task at most. */
  readonly limit: number;
  /** Differences this small do not matter: `alike` ends it too (0: it does not). */
  readonly margin?: number | undefined;
  /** Of servers. */
  readonly apiKey?: string | undefined;
  readonly onNotice?: ((notice: string) => void) | undefined;
  /** Hears what is known after each few pairs. */
  readonly onPairs?: ((known: SequentialResult) => void) | undefined;
}

/** Instances that are played between two looks at the test: a fifth of what there is, at least these. */
const FEWEST = 5;

/**
 * Plays pairs of both evaluations until the test that may be looked at at any time decides, or the limit is reached.
 * Instances go in the order of their numbers: those that one side has first, then the next ones of their split.
 * @throws InputError when the evaluations share no task, or a policy cannot be had again
 */
export async function playUntilDecided(options: UntilDecidedOptions): Promise<SequentialResult> {
  const { a, b, limit, margin, onPairs } = options;
  const sides = await Promise.all([a, b].map((folder) => readSide(folder, options.apiKey)));
  const [mine, theirs] = sides.map(({ run }) => run) as [RunFile, RunFile];
  const tasks = mine.tasks.filter((task) => theirs.tasks.includes(task));
  if (tasks.length === 0)
    throw new InputError('compare', `${a} and ${b} share no task. Evaluate both on the same --tasks.`);
  const order = instanceOrder([...mine.instances, ...theirs.instances], limit);
  for (let played = 0; ; ) {
    const [ofA, ofB] = await Promise.all([readLedger(a), readLedger(b)]);
    const known = testInOrder(pairLedgers(ofA, ofB).tasks, tasks, order.slice(0, played), margin);
    if (played > 0) onPairs?.(known);
    if (known.verdict !== null || played >= order.length) return known;
    const next = order.slice(played, played + Math.max(FEWEST, Math.ceil(played / 5)));
    played += next.length;
    for (const side of sides) await playOn(side, tasks, next, options);
  }
}

interface Side {
  readonly folder: string;
  readonly run: RunFile;
  readonly policy: ReturnType<typeof playedPolicy>;
}

async function readSide(folder: string, apiKey: string | undefined): Promise<Side> {
  const run = await readJson(runFilePath(folder), RunFileSchema);
  return { folder, run, policy: playedPolicy(folder, run, apiKey) };
}

/** The instances of both, then the next ones of the last one's split, up to `limit`. */
function instanceOrder(known: readonly number[], limit: number): number[] {
  const order = [...new Set(known)].sort((x, y) => x - y).slice(0, limit);
  const last = order.at(-1) ?? 0;
  const [, end] = INSTANCE_RANGES[splitOf(last)];
  for (let next = last + 1; order.length < limit && next < end; next++) order.push(next);
  return order;
}

/** Plays what a side lacks of these instances; what it has costs nothing. */
async function playOn(
  { folder, run, policy }: Side,
  tasks: readonly string[],
  instances: readonly number[],
  { workers, silent, signal, waitMs, onWait, onNotice }: UntilDecidedOptions,
): Promise<void> {
  const { seed, maxSteps, edition, perturb, imageSize } = run.fingerprint;
  const rollouts = Math.max(1, ...(run.asked ?? []).map((group) => group.rollouts));
  const { stopped } = await evaluate({
    ...{ policy, tasks, instances, out: folder, edition, imageSize, workers, silent, signal, waitMs, onWait, onNotice },
    seeds: seed?.split(',') ?? Array.from({ length: rollouts }, (_, rollout) => String(rollout)),
    ...(maxSteps !== null && { maxSteps }),
    ...(perturb.length > 0 && { perturb: parsePerturbations(perturb.join(), PERTURBATION_AXES) }),
    record: existsSync(join(folder, 'rollouts')),
    resume: true,
    label: run.label,
  });
  if (stopped !== undefined) throw new InputError(folder, `could not be played on: ${stopped}`);
}

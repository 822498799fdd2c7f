import { type HomeTask, type Household, homeTask } from '../../home/index.ts';
import type { Policy } from '../../robot/index.ts';
import { type LedgerLine, type Unit, unitsOf } from '../ledger/index.ts';
import type { EvaluationSummary } from '../scores/index.ts';
import { requireWork } from './evaluate.ts';
import { inEvaluationFolder } from './evaluationFolder.ts';
import { type Book, type PlayOptions, playUnits, seedsOf } from './playUnits.ts';
import type { PolicySource } from './policySource.ts';
import { openRunner } from './runner.ts';

/**
 * A policy for one rollout in a household; it is closed after it. The same unit and seed should give the same policy.
 */
export type PolicyFor = (unit: Unit, household: Household, seed: string) => Policy | Promise<Policy>;

export interface EvaluatePolicyOptions extends PlayOptions {
  /** One policy for all rollouts, reset between them and left open; or what makes one for each. */
  readonly policy: Policy | PolicyFor;
  /** Names of the household's tasks, or tasks of your own. */
  readonly tasks: readonly (string | HomeTask)[];
  /** Numbers of the scenes (`parseInstances`). */
  readonly instances: readonly number[];
  /** Fewer steps than the tasks' time-outs. */
  readonly maxSteps?: number | undefined;
  /** Side of the pictures that the policy gets, pixels (64). */
  readonly imageSize?: number | undefined;
  /** An evaluation folder, as `evaluate` writes it; nothing is written when left out. */
  readonly out?: string | undefined;
  /** Keep the rollouts in the folder (on by default). */
  readonly record?: boolean | undefined;
  /** Go on with what the folder holds. */
  readonly resume?: boolean | undefined;
  /** What tells the policy from others in the folder's run.json, and a title for the report. */
  readonly label?: string | undefined;
}

/**
 * Evaluates a policy that lives in this program, in this thread, one rollout after the other.
 * @throws InputError for unknown tasks, a policy of another robot, or a folder of another evaluation
 */
export async function evaluatePolicy(options: EvaluatePolicyOptions): Promise<EvaluationSummary> {
  const { policy, instances, out, maxSteps, imageSize = 64, record = true, label } = options;
  const tasks = options.tasks.map((task) => (typeof task === 'string' ? homeTask(task) : task));
  requireWork(tasks, instances);
  const source = sourceOf(policy, imageSize);
  const taskOf = (name: string) => tasks.find((task) => task.name === name) ?? name;
  const seeds = seedsOf(options);
  const settings = { seeds, maxSteps, recordTo: record ? out : undefined };
  const units = unitsOf(
    tasks.map(({ name }) => name),
    instances,
    seeds.length,
  );
  const play = (book: Book, onDone?: (line: LedgerLine) => Promise<void>) =>
    playUnits(
      units,
      book,
      [() => openRunner(source, settings, taskOf)],
      { progressLabel: 'policy', ...options },
      onDone,
    );
  if (out === undefined) return play(inMemory());
  const identity = {
    policy: { kind: 'program', ...(label !== undefined && { label }) },
    seed: seeds.join(),
    maxSteps,
    tasks,
    instances,
    rollouts: seeds.length,
  };
  return inEvaluationFolder(out, { ...identity, label, onNotice: options.onNotice }, options.resume ?? false, play);
}

/** A book that nobody else reads. */
function inMemory(): Book {
  const lines: LedgerLine[] = [];
  return { lines, append: async (line) => void lines.push(line) };
}

function sourceOf(policy: Policy | PolicyFor, imageSize: number): PolicySource {
  const policyFor =
    typeof policy === 'function'
      ? async (...given: Parameters<PolicyFor>) => policy(...given)
      : async () => leftOpen(policy);
  return { imageSize, policyFor, close: async () => {} };
}

/** The caller's policy, which only the caller closes. */
function leftOpen(policy: Policy): Policy {
  return {
    ...(policy.robot && { robot: policy.robot }),
    reset: () => policy.reset(),
    act: (observation) => policy.act(observation),
    get note() {
      return policy.note;
    },
    close: async () => {},
  } as Policy;
}

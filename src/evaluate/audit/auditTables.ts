import { compareLedgers } from '../compare/index.ts';
import type { LedgerLine, RunFile } from '../ledger/index.ts';
import { type Robustness, robustness } from '../robustness/index.ts';
import { type EvaluationSummary, type Interval, summariseLedger, type TaskSummary } from '../scores/index.ts';
import { type AuditCell, HIDDEN, PER_TASK } from './cells.ts';
import { type MemoryRow, memoryRows } from './memoryRows.ts';

/** A cell that was played. */
export interface PlayedCell extends AuditCell {
  readonly run: RunFile;
  readonly lines: readonly LedgerLine[];
}

/** One row of a table: what a cell came to, and its distance from the policy on the same instances. */
export interface AuditRow {
  readonly name: string;
  readonly label: string;
  readonly summary: EvaluationSummary;
  /** The policy less this row, paired by instance; absent where the instances are others. */
  readonly behind?: Interval & { readonly p: number; readonly smallestDifference: number };
}

export interface PerturbationRow extends Robustness {
  readonly axis: string;
  readonly level: number;
  readonly q: Interval;
  /** q of the clean pairs. */
  readonly clean: number;
  readonly success: number;
  readonly episodes: number;
}

/** The tasks of one split, and on each what every kind of policy came to. */
export interface TaskTable {
  readonly split: string;
  /** The policy, then those it is held against. */
  readonly policies: readonly string[];
  readonly rows: readonly { readonly task: string; readonly cells: readonly (TaskSummary | null)[] }[];
  /** The mean over tasks of each policy. */
  readonly means: readonly Interval[];
}

/** What an audit found; the form of `audit.json`. */
export interface AuditResult {
  readonly name: string;
  readonly tasks: readonly string[];
  readonly episodes: number;
  readonly versions: Readonly<Record<string, string>>;
  /** Code, weights, and the rule by which the checkpoint was chosen. */
  readonly made: { readonly code: string; readonly checkpoint: string; readonly selection: string };
  readonly shortcuts: readonly AuditRow[];
  readonly oracles: readonly AuditRow[];
  /** Public instances, and hidden ones where the rows were played there. */
  readonly perTask: readonly TaskTable[];
  /** The tasks that nobody can do without memory. */
  readonly memory: readonly MemoryRow[];
  readonly significance: {
    /** The policy with other noise less itself: both are the same, so it should be about 0. */
    readonly again: Interval & { readonly p: number };
    /** Instances of each task, and the smallest true difference that so many find in 80 of 100 studies. */
    readonly findable: readonly { readonly instances: number; readonly difference: number }[];
  };
  readonly splits: readonly AuditRow[];
  /** Differences of splits with their intervals; the instances are others, so they are not paired. */
  readonly gaps: readonly { readonly label: string; readonly gap: Interval }[];
  readonly sources: readonly {
    readonly label: string;
    readonly amount: number | null;
    readonly summary: EvaluationSummary;
  }[];
  readonly perturbations: readonly PerturbationRow[];
}

export interface AuditInput {
  readonly name: string;
  readonly tasks: readonly string[];
  readonly seed: string;
  readonly cells: readonly PlayedCell[];
  readonly sources: readonly { readonly label: string; readonly lines: readonly LedgerLine[] }[];
}

const SHORTCUTS = ['public', 'blind', 'stateless', 'memoryless', 'nearest', 'replay', 'hold'];
const ORACLES = ['oracle-stage', 'expert'];
const INSTANCES = [10, 25, 50, 100, 200, 500];

/** What the cells of an audit say. Pure: the same ledgers and seed give the same result. */
export function auditTables({ name, tasks, seed, cells, sources }: AuditInput): AuditResult {
  const cell = (wanted: string) => cells.find((one) => one.name === wanted);
  const policy = cell('public') as PlayedCell;
  const row = (one: PlayedCell): AuditRow => {
    const summary = summariseLedger(one.lines);
    const paired = one !== policy && sharesInstances(one, policy);
    if (!paired) return { name: one.name, label: one.label, summary };
    const { difference, p, smallestDifference } = compareLedgers(one.lines, policy.lines, seed);
    return { name: one.name, label: one.label, summary, behind: { ...difference, p, smallestDifference } };
  };
  const rows = (names: readonly string[]) => names.flatMap((one) => cell(one) ?? []).map(row);
  const again = compareLedgers(policy.lines, (cell('again') as PlayedCell).lines, seed);
  const { instances: played = [] } = cell('again') ?? {};
  const splits = ['train', 'public', 'hidden'].flatMap((one) => cell(one) ?? []).map(row);
  const [checkpoint] = policy.run.checkpoints ?? [];
  return {
    name,
    tasks,
    episodes: policy.instances.length,
    versions: policy.run.fingerprint.versions,
    made: {
      code: policy.run.code?.commit ?? 'unknown',
      checkpoint: checkpoint?.hash ?? 'not stated',
      selection: checkpoint?.selection ?? 'not stated',
    },
    shortcuts: rows(SHORTCUTS),
    oracles: rows(ORACLES),
    perTask: [
      taskTable('public', tasks, ['public', ...PER_TASK].map(cell)),
      taskTable('hidden', tasks, ['hidden', ...PER_TASK.map((one) => `${HIDDEN}${one}`)].map(cell)),
    ].filter(({ policies }) => policies.length > 1),
    memory: memoryRows(tasks, {
      policy: policy.lines,
      memoryless: cell('memoryless')?.lines,
      oracle: cell('oracle-stage')?.lines,
    }),
    significance: {
      again: { ...again.difference, p: again.p },
      findable: INSTANCES.map((instances) => ({
        instances,
        difference: again.smallestDifference * Math.sqrt(played.length / instances),
      })),
    },
    splits,
    gaps: [gap('train less public', splits[0], splits[1]), gap('public less hidden', splits[1], splits[2])].flatMap(
      (found) => found ?? [],
    ),
    sources: sources
      .map(({ label, lines }) => ({ label, amount: amountOf(label), summary: summariseLedger(lines) }))
      .sort((a, b) => (a.amount ?? Number.POSITIVE_INFINITY) - (b.amount ?? Number.POSITIVE_INFINITY)),
    perturbations: cells.flatMap((one) => (one.perturb ? [perturbed(one, policy, seed)] : [])),
  };
}

function taskTable(split: string, tasks: readonly string[], cells: readonly (PlayedCell | undefined)[]): TaskTable {
  const played = cells.flatMap((one) => (one && one.lines.length > 0 ? [one] : []));
  const summaries = played.map(({ lines }) => summariseLedger(lines));
  return {
    split,
    policies: played.map(({ name }, i) => (i === 0 ? 'policy' : name.replace(HIDDEN, ''))),
    rows: tasks.map((task) => ({ task, cells: summaries.map((summary) => summary.tasks[task] ?? null) })),
    means: summaries.map(({ q }) => q),
  };
}

function perturbed(cell: PlayedCell, policy: PlayedCell, seed: string): PerturbationRow {
  const pairs = policy.lines.filter(({ instance }) => cell.instances.includes(instance));
  const { q, episodes } = summariseLedger(cell.lines);
  return {
    axis: cell.perturb?.axis ?? '',
    level: cell.perturb?.level ?? 0,
    q,
    clean: summariseLedger(pairs).q.mean,
    success: cell.lines.filter(({ success }) => success).length / Math.max(1, episodes),
    episodes,
    ...robustness(pairs, cell.lines, seed),
  };
}

const sharesInstances = (a: AuditCell, b: AuditCell): boolean => a.instances.some((one) => b.instances.includes(one));

/** The difference of two independent means: squared distances of the bounds add up (MOVER, Zou & Donner 2008). */
function gap(label: string, one: AuditRow | undefined, other: AuditRow | undefined) {
  if (!one || !other) return undefined;
  const [a, b] = [one.summary.q, other.summary.q];
  const mean = a.mean - b.mean;
  const low = mean - Math.hypot(a.mean - a.low, b.high - b.mean);
  const high = mean + Math.hypot(a.high - a.mean, b.mean - b.low);
  return { label, gap: { mean, low, high } };
}

/** The number that a label begins with: `1,600 demonstrations`. */
export function amountOf(label: string): number | null {
  const [digits] = /^[\d,]+/.exec(label) ?? [];
  const amount = Number(digits?.replaceAll(',', ''));
  return digits && Number.isFinite(amount) ? amount : null;
}

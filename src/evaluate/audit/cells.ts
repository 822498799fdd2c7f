import { type PerturbationSpec, perturbationName } from '../../home/index.ts';
import { parseInstances } from '../ledger/index.ts';
import type { PolicySpec } from '../rollouts/index.ts';

/** One evaluation of an audit. */
export interface AuditCell {
  /** The name of its folder. */
  readonly name: string;
  /** How the page calls it. */
  readonly label: string;
  readonly policy: PolicySpec;
  readonly instances: readonly number[];
  readonly seed: string;
  readonly perturb?: PerturbationSpec;
}

export interface CellOptions {
  readonly policy: PolicySpec;
  /** Instances of each split. */
  readonly episodes: number;
  /** Instances of every other row, the first of the public ones; as many when left out. */
  readonly rowEpisodes?: number | undefined;
  /** Hidden instances of the rows of the tables per task (none). */
  readonly hiddenEpisodes?: number | undefined;
  readonly perturb: readonly PerturbationSpec[];
  /** Instances of each perturbation: the first of the public ones. */
  readonly perturbEpisodes: number;
  readonly seed: string;
  /** Demonstrations that the nearest moment is looked for in (50). */
  readonly demonstrations?: number | undefined;
}

/** A row of the shortcuts that needs the network itself, behind no server. */
const OF_NETWORKS = [
  ['stateless', 'without its state'],
  ['memoryless', 'without memory: its stage input cut'],
  ['oracle-stage', 'told the true stage (an oracle)'],
] as const;

/** What the name of a row's cell on hidden instances begins with. */
export const HIDDEN = 'hidden-';
/** The rows of the tables per task, beside the policy. */
export const PER_TASK: readonly string[] = ['expert', 'hold', 'replay', 'blind', 'memoryless'];

/** Everything that an audit plays, the policy itself first. */
export function auditCells({
  policy,
  episodes,
  rowEpisodes = episodes,
  hiddenEpisodes = 0,
  perturb,
  perturbEpisodes,
  seed,
  demonstrations = 50,
}: CellOptions): AuditCell[] {
  const publics = parseInstances('public', episodes);
  const cell = (name: string, label: string, spec: PolicySpec, more: Partial<AuditCell> = {}): AuditCell => ({
    ...{ name, label, policy: spec, instances: publics, seed },
    ...more,
  });
  const few = { instances: publics.slice(0, rowEpisodes) };
  const shortcuts: AuditCell[] = [];
  if (policy.kind === 'checkpoint' || policy.kind === 'remote')
    shortcuts.push(cell('blind', 'blind: its pictures black', { ...policy, ablation: 'blind' }, few));
  if (policy.kind === 'checkpoint')
    for (const [ablation, label] of OF_NETWORKS) shortcuts.push(cell(ablation, label, { ...policy, ablation }, few));
  const rows = [
    ...shortcuts,
    cell(
      'nearest',
      `the nearest moment of ${demonstrations} demonstrations, replayed`,
      { kind: 'nearest', demonstrations },
      few,
    ),
    cell('replay', 'a random demonstration, replayed', { kind: 'replay' }, few),
    cell('hold', 'holding still', { kind: 'hold' }, few),
    cell('expert', 'the expert, which sees the world itself', { kind: 'expert' }, few),
  ];
  const hiddenRows = rows
    .filter(({ name }) => hiddenEpisodes > 0 && PER_TASK.includes(name))
    .map((one) => ({
      ...one,
      ...{ name: `${HIDDEN}${one.name}`, label: `${one.label}, hidden instances` },
      instances: parseInstances('hidden', hiddenEpisodes),
    }));
  return [
    cell('public', 'the policy', policy),
    cell('train', 'the policy on train instances', policy, { instances: parseInstances('train', episodes) }),
    cell('hidden', 'the policy on hidden instances', policy, { instances: parseInstances('hidden', episodes) }),
    cell('again', 'the policy with other noise', policy, { ...few, seed: `${seed}-again` }),
    ...rows,
    ...hiddenRows,
    ...perturb.map((spec) =>
      cell(`perturb-${spec.axis}-${spec.level}`, perturbationName(spec), policy, {
        instances: publics.slice(0, perturbEpisodes),
        perturb: spec,
      }),
    ),
  ];
}

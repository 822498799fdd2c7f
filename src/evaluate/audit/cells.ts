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

/** Everything that an audit plays, the policy itself first. */
export function auditCells({
  policy,
  episodes,
  rowEpisodes = episodes,
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
  return [
    cell('public', 'the policy', policy),
    cell('train', 'the policy on train instances', policy, { instances: parseInstances('train', episodes) }),
    cell('hidden', 'the policy on hidden instances', policy, { instances: parseInstances('hidden', episodes) }),
    cell('again', 'the policy with other noise', policy, { ...few, seed: `${seed}-again` }),
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
    ...perturb.map((spec) =>
      cell(`perturb-${spec.axis}-${spec.level}`, perturbationName(spec), policy, {
        instances: publics.slice(0, perturbEpisodes),
        perturb: spec,
      }),
    ),
  ];
}

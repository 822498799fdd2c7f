import { InputError } from '../../base/index.ts';
import { refuseHidden } from '../../home/index.ts';
import { type LedgerLine, type RunFile, takesNoSeed } from '../ledger/index.ts';

/** An evaluation folder and its run file. */
export interface Named {
  readonly folder: string;
  readonly run: RunFile;
}

/** What must be the same in both run files, and how it is called. */
const SAME: readonly { readonly what: string; readonly of: (run: RunFile) => unknown }[] = [
  { what: 'household (scenes)', of: ({ fingerprint }) => fingerprint.versions.household },
  { what: 'challenge', of: ({ fingerprint }) => fingerprint.versions.challenge },
  { what: 'physics engine', of: ({ fingerprint }) => fingerprint.versions.mujoco },
  { what: 'time-out (--max-steps)', of: ({ fingerprint }) => fingerprint.maxSteps },
  { what: 'edition (time-outs)', of: ({ fingerprint }) => fingerprint.edition },
  { what: 'perturbation', of: ({ fingerprint }) => fingerprint.perturb.join(', ') || 'none' },
];

/**
 * Two evaluations of other scenes, engines or time-outs differ in more than the policy.
 * @throws InputError that says what differs
 */
export function requireComparable(a: Named, b: Named): void {
  for (const { what, of } of SAME) {
    const [mine, theirs] = [of(a.run), of(b.run)];
    if (mine !== theirs)
      throw new InputError(
        b.folder,
        `cannot be compared with ${a.folder}: its ${what} is ${said(theirs)}, the other's ${said(mine)}. ` +
          'Evaluate both policies with the same version and options.',
      );
  }
}

/** How the looks of a training came out, which stands behind its rule of selection. */
const COURSE = / \(step .*$/s;

/** The rules by which an evaluation's checkpoints were chosen among others, as far as their cards state them. */
function selectionOf({ checkpoints = [] }: RunFile): string | undefined {
  const rules = checkpoints.map(({ selection }) => selection.replace(COURSE, ''));
  const isStated = rules.length > 0 && rules.every((rule) => !rule.startsWith('not stated'));
  return isStated ? [...new Set(rules)].sort().join(' | ') : undefined;
}

/**
 * Whoever chooses among more, or by what is measured here, gains by the choice alone. Where a card states no rule,
 * nothing can be said.
 * @throws InputError when both state one, and they differ
 */
export function requireSameSelection(a: Named, b: Named): void {
  const [mine, theirs] = [selectionOf(a.run), selectionOf(b.run)];
  if (mine === undefined || theirs === undefined || mine === theirs) return;
  throw new InputError(
    b.folder,
    `cannot be compared with ${a.folder}: its checkpoint was chosen by another rule ` +
      `(${theirs}; the other's: ${mine}). ` +
      'Choose both by the same rule, or say --other-selection.',
  );
}

/**
 * Whoever compares two policies is about to choose one.
 * @throws InputError when both were played on hidden instances, which serve no choice
 */
export function refuseHiddenChoice(a: readonly LedgerLine[], b: readonly LedgerLine[]): void {
  const theirs = new Set(b.map(({ instance }) => instance));
  const both = new Set(a.map(({ instance }) => instance).filter((instance) => theirs.has(instance)));
  refuseHidden('compare', [...both], 'Compare train or public ones; when the choice is made, say so by --final.');
}

/** What does not forbid a comparison but should be known: other processors and seeds. */
export function notices(a: RunFile, b: RunFile): string[] {
  const found: string[] = [];
  const seeded = [a, b].every(({ fingerprint }) => !takesNoSeed(fingerprint.policy));
  if (seeded && a.fingerprint.seed !== b.fingerprint.seed)
    found.push(`The seeds differ (${said(a.fingerprint.seed)} and ${said(b.fingerprint.seed)}).`);
  if (a.cpu !== b.cpu)
    found.push(`The processors differ (${said(a.cpu)} and ${said(b.cpu)}): numbers may be rounded otherwise.`);
  return found;
}

const said = (value: unknown): string => (value === null || value === undefined ? 'not set' : String(value));

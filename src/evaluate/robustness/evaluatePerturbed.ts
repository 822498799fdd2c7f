import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { InputError } from '../../base/index.ts';
import type { PerturbationSpec } from '../../home/index.ts';
import { type Named, requireComparable } from '../compare/index.ts';
import { type LedgerLine, type RunFile, runFilePath, unitName, unitsOf } from '../ledger/index.ts';
import { readRecords } from '../report/index.ts';
import { type EvaluateOptions, evaluate } from '../rollouts/index.ts';
import type { EvaluationSummary } from '../scores/index.ts';
import { type Robustness, robustness } from './robustness.ts';

export interface EvaluatePerturbedOptions extends EvaluateOptions {
  readonly perturb: readonly PerturbationSpec[];
  /** A clean evaluation of the same policy; without one the clean pairs are played into OUT/baselines/clean. */
  readonly clean?: string | undefined;
}

/** An evaluation in which things go wrong, beside its clean pair. */
export async function evaluatePerturbed(
  options: EvaluatePerturbedOptions,
): Promise<EvaluationSummary & Robustness & { readonly clean: EvaluationSummary['q'] | undefined }> {
  const { clean, perturb, out, ...rest } = options;
  const folder = clean ?? join(out, 'baselines', 'clean');
  const resume = existsSync(runFilePath(folder)); // played before, wholly or in part
  const own =
    clean === undefined
      ? await evaluate({ ...rest, out: folder, record: false, label: undefined, resume, progressLabel: 'clean' })
      : undefined;
  const before = await readRecords(folder);
  const onIdentity = (identity: Identity) => requireSamePolicy({ folder, run: before.run }, identity, out);
  const summary = await evaluate({ ...rest, perturb, out, onIdentity });
  const after = await readRecords(out);
  requirePair({ folder, run: before.run }, { folder: out, run: after.run });
  const seeds = (options.seeds ?? [options.seed ?? '0']).length;
  const wanted = new Set(unitsOf(options.tasks, options.instances, seeds).map(unitName));
  const ours = (lines: readonly LedgerLine[]) => lines.filter((line) => wanted.has(unitName(line)));
  return { ...summary, clean: own?.q, ...robustness(ours(before.lines), ours(after.lines), options.seed) };
}

type Identity = Parameters<NonNullable<EvaluateOptions['onIdentity']>>[0];

/** @throws InputError when the clean evaluation is of another policy or seed, or is not clean */
function requireSamePolicy({ folder, run: { fingerprint } }: Named, { policy, seed }: Identity, out: string): void {
  if (fingerprint.perturb.length > 0)
    throw new InputError(folder, `is perturbed by ${fingerprint.perturb.join(', ')} (expected clean).`);
  const asWritten: unknown = JSON.parse(JSON.stringify(policy));
  if (!isDeepStrictEqual(asWritten, fingerprint.policy) || (fingerprint.seed ?? null) !== seed)
    throw new InputError(
      folder,
      `is of another policy or seed than ${out}; a pair differs in nothing but the perturbation.`,
    );
}

/** @throws InputError when the clean evaluation is of another policy, seed or time-out, or is not clean */
function requirePair(clean: Named, perturbed: Named): void {
  const { policy, seed = null } = perturbed.run.fingerprint;
  requireSamePolicy(clean, { policy, seed }, perturbed.folder);
  requireComparable({ ...clean, run: withPerturb(clean.run, perturbed.run) }, perturbed);
}

const withPerturb = (run: RunFile, other: RunFile): RunFile => ({
  ...run,
  fingerprint: { ...run.fingerprint, perturb: other.fingerprint.perturb },
});

import { type Float64Errors, passes, UnknownQuantity, type Worst } from './compare.ts';
import { GoldenCase } from './goldenCase.ts';
import type { Check, Kind, VerifyOptions } from './kind.ts';
import { KINDS } from './kinds/index.ts';
import { type CaseFolder, findCases, readManifest } from './manifest.ts';

/** What became of one quantity of one case. */
export interface Verdict {
  readonly case: string;
  readonly kind: string;
  readonly quantity: string;
  /** Largest error in the tolerance's terms; null when nothing could be computed. */
  readonly error: number | null;
  readonly tolerance: number | null;
  /** null: the kind, or the quantity, is not built. */
  readonly pass: boolean | null;
  readonly worst?: Worst;
  /** With `float64`, for kinds that have a float64 program. */
  readonly float64?: Float64Errors;
  /** Why it failed, or what is unknown. */
  readonly message?: string;
}

export interface VerdictCounts {
  readonly passed: number;
  readonly failed: number;
  readonly unknown: number;
}

/**
 * Verifies every case at or below the given folders, one verdict per quantity, in the order of the manifests.
 * @throws InputError when a folder holds no case
 */
export async function* verify(roots: readonly string[], options: VerifyOptions = {}): AsyncGenerator<Verdict> {
  for (const folder of await findCases(roots)) yield* verifyCase(folder, options);
}

/** The verdicts of one case. A manifest that cannot be read is one failure. */
export async function* verifyCase(folder: CaseFolder, options: VerifyOptions = {}): AsyncGenerator<Verdict> {
  const none = { error: null, tolerance: null };
  let golden: GoldenCase;
  try {
    golden = new GoldenCase(folder, await readManifest(folder.folder));
  } catch (error) {
    yield { case: folder.name, kind: '', quantity: 'manifest', ...none, pass: false, message: messageOf(error) };
    return;
  }
  const { kind, manifest } = golden;
  const prepare: Kind | undefined = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  const quantities = manifest.quantities;
  const about = (quantity: string) => ({ case: golden.name, kind, quantity });
  if (!prepare || quantities.length === 0) {
    const [pass, message] = prepare
      ? ([false, 'the manifest lists no quantities'] as const)
      : ([null, `kind ${kind} is not built`] as const);
    for (const { name } of quantities.length > 0 ? quantities : [{ name: 'quantities' }])
      yield { ...about(name), ...none, pass, message };
    return;
  }
  let check: Check | undefined;
  for (const quantity of quantities) {
    try {
      check ??= await prepare(golden, options);
      const outcome = await check(quantity);
      const pass = passes(outcome);
      const { error, tolerance, worst, note, float64 } = outcome;
      yield {
        ...about(quantity.name),
        error: Number.isFinite(error) ? error : null,
        tolerance,
        pass,
        ...(float64 && { float64 }),
        ...(!pass && worst && { worst }),
        ...(!pass && { message: [note, describeWorst(worst)].filter(Boolean).join('; ') }),
      };
    } catch (error) {
      const unknown = error instanceof UnknownQuantity;
      const tolerance = quantity.tolerance_relative ?? quantity.tolerance_absolute ?? null;
      yield {
        ...about(quantity.name),
        error: null,
        tolerance,
        pass: unknown ? null : false,
        message: messageOf(error),
      };
    }
  }
}

/** Adds up verdicts. */
export function countVerdicts(verdicts: Iterable<Verdict>): VerdictCounts {
  const count = { passed: 0, failed: 0, unknown: 0 };
  for (const { pass } of verdicts) count[pass === null ? 'unknown' : pass ? 'passed' : 'failed']++;
  return count;
}

/** `prefix_out [1, 3, 7]: got 0.5, expected 0.25`. */
function describeWorst(worst: Worst | undefined): string {
  if (!worst) return '';
  const { tensor, index, got, expected } = worst;
  return `${tensor ? `${tensor} ` : ''}[${index.join(', ')}]: got ${got}, expected ${expected}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

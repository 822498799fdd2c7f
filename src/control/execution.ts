/** What is executed of a plan: `executeActions` rows in `executeSteps` control steps; and the rows kept after them. */
export interface Execution {
  readonly executeActions: number;
  readonly executeSteps: number;
  readonly keepActions: number;
}

/**
 * The same for a client that takes `chunk` steps at a time: a multiple of `chunk` steps, the largest that is no more
 * than `executeSteps` (else `chunk` itself), at the same speed where the plan is long enough; the rest of the rows is
 * kept for the next plan. Unchanged when the steps divide already, or the plan has fewer rows than `chunk`.
 * @param horizon rows of the plan
 */
export function executionInChunks(execution: Execution, chunk: number, horizon: number): Execution {
  const { executeActions, executeSteps, keepActions } = execution;
  if (chunk <= 1 || executeSteps % chunk === 0 || chunk > horizon) return execution;
  const steps = Math.max(1, Math.floor(executeSteps / chunk)) * chunk;
  const squeezed = executeActions > executeSteps;
  const whole = Math.min(horizon, Math.max(executeActions, executeSteps) + keepActions);
  const wanted = squeezed ? Math.round((steps * executeActions) / executeSteps) : steps;
  const rows = Math.max(steps, Math.min(wanted, whole - keepActions));
  return { executeActions: rows, executeSteps: steps, keepActions: Math.max(0, whole - rows) };
}

/** Rows of actions, absolute, float64 [rows, width]. */
interface Rows {
  readonly rows: number;
  readonly actions: Float64Array;
}

/**
 * The rows that the next plan keeps to: `prefix`, those promised after the plan. Where steps of the plan are left (they
 * do not fill a chunk), these come first; squeezed ones are at another speed, so that the next plan starts afresh.
 */
export function promisedRows(
  plan: (Rows & { readonly compressed: boolean }) | undefined,
  served: number,
  prefix: Rows | undefined,
): Rows | undefined {
  if (!plan || !prefix || served >= plan.rows) return prefix;
  if (plan.compressed) return undefined;
  const left = plan.actions.subarray((served * plan.actions.length) / plan.rows);
  const actions = new Float64Array(left.length + prefix.actions.length);
  actions.set(left);
  actions.set(prefix.actions, left.length);
  return { rows: plan.rows - served + prefix.rows, actions };
}

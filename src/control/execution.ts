/** What is executed of a plan: `executeActions` of its rows in `executeSteps` control steps, and the rows kept after. */
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

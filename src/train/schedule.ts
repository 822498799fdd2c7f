/** A learning rate that rises linearly, then falls along half a cosine. Steps count updates from 0. */
export interface Schedule {
  /** Updates until the peak; the first update uses peak / (warmupSteps + 1). */
  readonly warmupSteps: number;
  readonly peak: number;
  /** Update at which `final` is reached; the count includes the warm-up. */
  readonly decaySteps: number;
  readonly final: number;
}

/**
 * The learning rate of update `step` (from 0), as optax's `warmup_cosine_decay_schedule` has it when openpi calls it
 * (golden case `optimizer`): peak/(warm-up+1) at 0, peak at `warmupSteps`, `final` from `decaySteps` on.
 */
export function learningRate({ warmupSteps, peak, decaySteps, final }: Schedule, step: number): number {
  if (step < warmupSteps) {
    const first = peak / (warmupSteps + 1);
    return first + (peak - first) * (step / warmupSteps);
  }
  const span = Math.max(1, decaySteps - warmupSteps);
  const progress = Math.min(1, (step - warmupSteps) / span);
  return final + (peak - final) * 0.5 * (1 + Math.cos(Math.PI * progress));
}

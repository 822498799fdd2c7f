import { z } from 'zod';

export const AdvantageSchema = z
  .strictObject({
    /**
     * What the return of a rollout is compared with: the mean return of the same task and stage, or what the recorded
     * heads expected; `none`: all samples count alike.
     */
    baseline: z.enum(['none', 'stage', 'head']).default('none'),
    /** The advantage that makes a sample count e times as much. */
    temperature: z.number().positive().default(0.25),
    /** Largest size of advantage / temperature. */
    clip: z.number().min(0).default(2),
    /** What a later reward counts, a frame. */
    discount: z.number().positive().max(1).default(0.998),
  })
  .prefault({});
export type AdvantageOptions = z.infer<typeof AdvantageSchema>;

/** All samples alike: how runs were trained before there were advantages. */
export const NO_ADVANTAGE: AdvantageOptions = AdvantageSchema.parse({});

/** G[t] = r[t] + discount · G[t + 1]: what is still gained from each frame on. [T] */
export function returnsToGo(rewards: ArrayLike<number>, discount: number): Float64Array {
  const out = new Float64Array(rewards.length);
  let later = 0;
  for (let t = rewards.length - 1; t >= 0; t--) out[t] = later = (rewards[t] as number) + discount * later;
  return out;
}

/**
 * What the heads expect to be gained from each frame on: V[t] = p[t] · (1 - q[t]) · discount^((1 - c[t]) · L), with the
 * probability of success p, the share c of the time that has passed, the score q so far, and L the mean length of
 * episodes of the task that reach the goal. A success gains all that is missing, at its end; a failure nothing.
 */
export function expectedReturns(
  { success, progress }: { readonly success: ArrayLike<number>; readonly progress: ArrayLike<number> },
  rewards: ArrayLike<number>,
  { discount, length }: { readonly discount: number; readonly length: number },
): Float64Array {
  const out = new Float64Array(rewards.length);
  let q = 0;
  for (let t = 0; t < out.length; t++) {
    out[t] = (success[t] as number) * (1 - q) * discount ** ((1 - (progress[t] as number)) * length);
    q += rewards[t] as number;
  }
  return out;
}

/** exp(clip(advantage / temperature)), as advantage-weighted regression has it (arXiv 1910.00177). */
export function advantageWeight(advantage: number, { temperature, clip }: AdvantageOptions): number {
  return Math.exp(Math.max(-clip, Math.min(clip, advantage / temperature)));
}

import type { EpisodeSession } from './session.ts';

/**
 * Somebody else has moved the robot: the plan at hand is void, and the next one starts afresh. What is known of the
 * episode stays, the stage above all.
 */
export function dropPlan(session: EpisodeSession): void {
  const { plan: _, prefix: __, pending: ___, ...rest } = session.snapshot();
  session.restore({ ...rest, served: 0 });
}

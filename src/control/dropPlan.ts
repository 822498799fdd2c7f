import type { EpisodeSession } from './session.ts';

/**
 * Somebody else has moved the robot: the plan at hand is void, and the next one starts afresh. What is known of the
 * episode stays, the stage above all.
 */
export function dropPlan(session: EpisodeSession): void {
  const { plan: _, prefix: __, pending: ___, ...rest } = session.snapshot();
  session.restore({ ...rest, served: 0 });
}

/** Somebody else has brought the episode to a later moment, and says which stage of which task it is in. */
export function goOnFrom(session: EpisodeSession, { taskId, stage }: { taskId: number; stage: number }): void {
  dropPlan(session);
  session.restore({ ...session.snapshot(), taskId, stage, history: [] });
}

import type { Policy } from '../../robot/index.ts';
import type { Expert } from '../expert/index.ts';
import { distance, HOUSEHOLD_ROBOT, type Household } from '../world/index.ts';
import type { Demonstration } from './episodeLog.ts';
import { record, stepsUntil, type WindowOptions } from './recording.ts';

/** A policy that others may help now and then. */
export interface HelpedPolicy extends Policy {
  /** The expert has moved the robot: the plan at hand is void, what was seen of the episode is not. */
  dropPlan(): void;
  /** The expert has played up to this stage of the task: the episode goes on from here. */
  goOnFrom(taskId: number, stage: number): void;
}

/** Steps that the policy has in a scene that begins late: a few corrections, so that many scenes share the windows. */
const LATE_STEPS = 12 * HOUSEHOLD_ROBOT.rate;
/** Share of stretches that the expert drives, so that the policy gets to late states too. */
const EXPERT_SHARE = 0.15;
/** Length of such a stretch, control steps. */
const STRETCH = 20;
/** Steps of policy time between two corrections: far from what is to be handled (one to two seconds), and near it. */
const FAR = [HOUSEHOLD_ROBOT.rate, 2 * HOUSEHOLD_ROBOT.rate] as const;
const NEAR = [18, 36] as const;
const NEAR_METRES = 0.16;

/**
 * The policy drives through one scene: from the reset to the end, or from a late moment for a while, since a policy
 * that is stuck in its first stage would never be corrected in the others. Every second or so the scene is held, the
 * expert shows from there how to go on, and the scene goes back to where the policy was. From the reset there is no
 * limit below the time-out: what goes wrong late in an episode, such as driving off, is corrected as often as what goes
 * wrong early.
 * @param options.late share of the scenes that begin late: the expert plays up to some moment, any of them
 * @param options.until the scene ends after so many seconds; where it does otherwise when left out
 */
export async function correctRollout(
  household: Household,
  expert: Expert,
  policy: HelpedPolicy,
  instance: number,
  options: WindowOptions & { readonly late: number },
): Promise<{ clips: Demonstration[]; steps: number; success: boolean }> {
  const { random, late: lateShare } = options;
  const frames = Math.round(options.seconds * household.robot.rate);
  const clips: Demonstration[] = [];
  household.reset(instance);
  await policy.reset();
  const last = stepsUntil(options.until);
  const latest = Math.min(household.task.meanExpertSteps, last);
  const late = lateShare > 0 && random.uniform() < lateShare ? random.integer(latest) : 0;
  let result = { done: false, success: false };
  while (household.steps < late && !result.done) result = household.step(expert.act());
  const begun = household.steps;
  if (begun > 0) policy.goOnFrom(household.task.id, Math.min(expert.stage, household.task.numStages - 1));
  const end = Math.min(last, late > 0 ? begun + LATE_STEPS : Number.POSITIVE_INFINITY);
  let until = begun + random.integer(FAR[1]);
  let expertUntil = 0;
  while (!result.done && household.steps < end) {
    if (household.steps >= until) {
      const moment = household.snapshot();
      const start = household.steps;
      const clip = record(household, expert, {
        frames,
        picturesEvery: options.picturesEvery,
        meta: {
          clip: { start, fullLength: Math.max(household.task.meanExpertSteps, start + frames) },
          source: 'correction',
        },
      });
      const { width, horizon } = household.robot;
      if (clip && clip.action.length / width > horizon) clips.push(clip);
      household.restore(moment);
      const [low, high] = nearTarget(household) ? NEAR : FAR;
      until = start + low + random.integer(high - low);
    }
    if (household.steps >= expertUntil && household.steps % STRETCH === 0 && random.uniform() < EXPERT_SHARE) {
      expertUntil = household.steps + STRETCH;
      policy.dropPlan();
    }
    const action = household.steps < expertUntil ? expert.act() : await policy.act(household.observation());
    result = household.step(action);
  }
  return { clips, steps: household.steps, success: result.success };
}

function nearTarget(household: Household): boolean {
  return distance(household.hands.right.tip, household.situation().target) < NEAR_METRES;
}

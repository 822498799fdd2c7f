import { InputError } from '../base/index.ts';
import type { Robot } from '../robot/index.ts';
import { type BestRule, bestRule } from './bestRule.ts';
import type { RunRecord } from './folder.ts';
import type { LookPlan } from './lookPlan.ts';
import type { TrainOptions } from './options.ts';

/** The rollouts beside a run: as it is told, else as it had them. @throws InputError for tasks that cannot be played */
export async function chosenRollouts(
  { rollouts, player, out }: TrainOptions,
  { before, ofData, robot }: { before: RunRecord | null; ofData: readonly string[]; robot: Robot },
): Promise<LookPlan | undefined> {
  if (!rollouts && !before?.rollouts) return undefined;
  if (!player) throw new InputError(out, 'its rollouts need a player of episodes (`player`), and none is given.');
  return rollouts ? { ...rollouts, tasks: await player.tasks(rollouts.tasks, ofData, robot) } : before?.rollouts;
}

/** How the best checkpoint is told: as the run is told, else as it was. @throws InputError for no such measure */
export function chosenBest(
  { best }: TrainOptions,
  { before, ...known }: { before: RunRecord | null; rollouts: boolean; heldOut: boolean; keys: readonly string[] },
): BestRule | undefined {
  const measure = best ?? before?.best;
  return measure === undefined ? undefined : bestRule(measure, known);
}

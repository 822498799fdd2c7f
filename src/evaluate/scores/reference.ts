import { homeTask } from '../../home/index.ts';

/** What stands for the challenge's human in the normalised metrics: the expert's means. */
export interface Reference {
  readonly steps: number;
  /** Metres travelled by the base and by each hand. */
  readonly distance: { readonly base: number; readonly left: number; readonly right: number };
}

/** Means over the expert's successes on the training instances 1500000…1500039 (measured with MuJoCo 3.14.0). */
const EXPERT_METRES: Readonly<Record<string, Reference['distance']>> = {
  turning_on_radio: { base: 0.454, left: 0.552, right: 0.731 },
  picking_up_trash: { base: 1.032, left: 1.284, right: 3.91 },
};

/** @throws InputError for an unknown task */
export function reference(task: string): Reference {
  const { name, meanExpertSteps } = homeTask(task);
  return { steps: meanExpertSteps, distance: EXPERT_METRES[name] };
}

import { ValetError } from '../base/index.ts';
import { type FakeObservationOptions, fakeObservation, type Policy, type Robot } from '../robot/index.ts';

export interface TryPolicyOptions extends Omit<FakeObservationOptions, 'seed'> {
  /** Control steps; a chunk and a bit when left out, so that a policy that plans does so twice. */
  readonly steps?: number;
}

/**
 * Lets a policy act on made-up observations: one episode, each observation another one.
 * @returns its actions, float32 [steps][width]
 * @throws ValetError for an action of the wrong width, or one that holds a number that is not finite
 */
export async function tryPolicy(
  policy: Policy,
  robot: Robot,
  { steps = robot.horizon + 1, ...observation }: TryPolicyOptions = {},
): Promise<Float32Array[]> {
  await policy.reset();
  const actions: Float32Array[] = [];
  for (let step = 0; step < steps; step++) {
    const action = await policy.act(fakeObservation(robot, { ...observation, seed: step }));
    if (action.length !== robot.width)
      throw new ValetError('tryPolicy', `step ${step}: ${action.length} numbers (expected ${robot.width}).`);
    const bad = action.findIndex((x) => !Number.isFinite(x));
    if (bad >= 0) throw new ValetError('tryPolicy', `step ${step}: number ${bad} is ${action[bad]}.`);
    actions.push(action.slice());
  }
  return actions;
}

/** For tests of programs that use Valet: observations, plans and trials without a network or a robot. */
export { type FakeObservationOptions, fakeObservation } from '../robot/index.ts';
export { ArithmeticPlanner, type ArithmeticPlannerOptions } from './arithmeticPlanner.ts';
export { type TryPolicyOptions, tryPolicy } from './tryPolicy.ts';

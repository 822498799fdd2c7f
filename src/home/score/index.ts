/** What is asked of a robot, and q: how much of it is done. */
export { type Fact, type FactOf, type Formula, groundGoal } from './formula.ts';
export { fulfilled, type Goal, type Literal, qScore } from './q.ts';

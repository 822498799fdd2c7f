/** What is asked of a robot, and q: how much of it is done. */
export { fulfilled, type Goal, type Literal, qScore } from './q.ts';

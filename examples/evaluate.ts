// Evaluates a policy of your own in the household, in this process: the shipped network with gentler driving.
//   npx tsx examples/evaluate.ts
import {
  checkpointFolder,
  createPlanner,
  createPolicy,
  createSession,
  evaluatePolicy,
  type Policy,
  type Robot,
  readCheckpoint,
} from 'valet-vla';

/** Any object with these three functions is a policy. This one keeps the base below a share of its full speed. */
function driveGently(policy: Policy, robot: Robot, limit: number): Policy {
  return {
    reset: () => policy.reset(),
    async act(observation) {
      const action = await policy.act(observation);
      for (const column of robot.baseColumns) action[column] = Math.max(-limit, Math.min(limit, action[column] ?? 0));
      return action;
    },
    close: () => policy.close(),
  };
}

const checkpoint = await readCheckpoint(checkpointFolder('household'));
const planner = await createPlanner(checkpoint, { threads: 2 });
const session = createSession({ taskNumStages: checkpoint.config.taskNumStages, seed: 'example' });
const policy = driveGently(createPolicy({ planner, session }), planner.robot, 0.4);

const { q, tasks, episodes } = await evaluatePolicy({
  policy,
  tasks: ['turning_on_radio'],
  instances: [0, 1, 2],
  imageSize: planner.imageSize,
});
console.log(`q ${q.mean.toFixed(2)} [${q.low.toFixed(2)}, ${q.high.toFixed(2)}] over ${episodes} episodes`);
console.log(tasks);
await planner.close();

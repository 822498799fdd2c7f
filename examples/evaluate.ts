// Evaluates a policy of your own in the household, in this process: the shipped network with gentler driving.
//   npx tsx examples/evaluate.ts
import {
  checkpointFolder,
  createPlanner,
  createPolicy,
  createSession,
  openHousehold,
  type Policy,
  type Robot,
  readCheckpoint,
  runEpisode,
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

const household = await openHousehold('turning_on_radio', { imageSize: planner.imageSize });
const scores: number[] = [];
for (const instance of [0, 1, 2]) {
  const { q, success, steps } = await runEpisode({ household, policy, instance });
  console.log(`scene ${instance}: q ${q.toFixed(2)}, ${success ? 'done' : 'not done'} after ${steps} steps`);
  scores.push(q);
}
console.log(`mean q ${(scores.reduce((sum, q) => sum + q, 0) / scores.length).toFixed(2)}`);
household.close();
await planner.close();

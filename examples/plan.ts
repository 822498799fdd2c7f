// Loads a checkpoint and makes one plan: which actions does the policy want to take from here?
//   npx tsx examples/plan.ts [FOLDER]
import { checkpointFolder, createPlanner, readCheckpoint, stateOf } from 'valet-vla';
import { fakeObservation } from 'valet-vla/testing';

// A folder of `valet train` or `valet import`, or the name of the policy that comes with the package.
const checkpoint = await readCheckpoint(checkpointFolder(process.argv[2] ?? 'household'));
const planner = await createPlanner(checkpoint);
const { robot } = planner;

// What the robot senses; here it is made up.
const { proprioception, pictures } = fakeObservation(robot, { imageSize: planner.imageSize });
const state = stateOf(robot, proprioception);
const [plan] = await planner.plan([{ taskId: 0, stage: 0, state, pictures, seed: 'example' }]);
if (!plan) throw new Error('one request, one plan');

console.log(`${plan.horizon} actions of ${robot.width} numbers for ${robot.name}; the first one:`);
for (const { name, columns, unit } of robot.parts) {
  const numbers = [...plan.actions.slice(...columns)].map((x) => x.toFixed(3));
  console.log(`  ${name}: ${numbers.join(' ')} (${unit})`);
}
console.log(`the network sees stage ${plan.stageLogits.indexOf(Math.max(...plan.stageLogits))}`);
await planner.close();

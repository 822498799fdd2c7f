// Describes a robot that Valet does not know, checks the description, and makes up an observation of it.
//   npx tsx examples/robot.ts
import { parseRobot, stateOf } from 'valet-vla';
import { robotRecord } from 'valet-vla/robot';
import { ArithmeticPlanner, fakeObservation } from 'valet-vla/testing';

const robot = parseRobot({
  name: 'my-arm',
  parts: [
    { name: 'arm', columns: [0, 6], kind: 'joint position', unit: 'rad' },
    { name: 'gripper', columns: [6, 7], kind: 'gripper', unit: '0 closed … 1 open' },
  ],
  deltas: [0, 1, 2, 3, 4, 5], // the network predicts these relative to where they are
  grippers: [{ name: 'gripper', column: 6, closed: 0, open: 1, closedOnNothing: 0.02, openAbove: 0.9 }],
  rate: 20, // control steps a second
  horizon: 16, // actions a plan
  paddedWidth: 8, // numbers an action in the network
  proprioception: {
    address: 'observation[./]state$', // where it stands in messages: a regular expression
    key: 'observation.state',
    // The arm sends velocities behind its seven positions; only the positions are its state.
    layouts: [{ name: 'joints', length: 14, state: [{ columns: [0, 7] }], fields: { velocity: [7, 14] } }],
  },
  cameras: [
    {
      name: 'front',
      feature: 'observation.images.front',
      address: 'front$',
      key: 'observation.images.front',
      size: [480, 640],
    },
  ],
});

const observation = fakeObservation(robot, { imageSize: 32 });
const state = stateOf(robot, observation.proprioception);
console.log(`${robot.name}: ${robot.width} numbers an action, cameras ${robot.cameraNames.join(', ')}`);
console.log(`state ${[...state].map((x) => x.toFixed(2)).join(' ')} of ${observation.proprioception.length} numbers`);

// Whatever plans for this robot can be tried without a network.
const planner = new ArithmeticPlanner(robot);
const [plan] = await planner.plan([{ taskId: 0, stage: 0, state, pictures: observation.pictures, seed: '0' }]);
console.log(`a plan holds ${plan?.actions.length} numbers (${robot.horizon} × ${robot.width})`);

// As a file it is what `--robot FILE` takes.
console.log(JSON.stringify(robotRecord(robot)).length, 'bytes of JSON');

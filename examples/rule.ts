// A correction rule of your own: in stage 0 no hand may be closed; a closed one is opened while the robot holds still.
//   npx tsx examples/rule.ts
import { type CorrectionRule, createPolicy, createSession } from 'valet-vla';
import { robotNamed } from 'valet-vla/robot';
import { ArithmeticPlanner, fakeObservation } from 'valet-vla/testing';

const openAtTheStart: CorrectionRule = {
  name: 'open-at-the-start',
  lacks: ({ grippers }) => (grippers.length === 0 ? 'a gripper' : undefined), // then the session says that it is off
  apply({ stage, grippers }, { robot }) {
    if (stage > 0) return undefined;
    const open = robot.grippers
      .filter((gripper) => Math.abs((grippers[gripper.name] ?? gripper.open) - gripper.open) > 0.5)
      .map(({ name }) => name);
    return open.length === 0 ? undefined : { open, stage, reason: `${open} closed in stage 0` };
  },
};

const robot = robotNamed('aloha');
const session = createSession({ robot, taskNumStages: [2], rules: false, extraRules: [openAtTheStart] });
for (const notice of session.notices) console.log(`note: ${notice}`);
const policy = createPolicy({ planner: new ArithmeticPlanner(robot, { growth: 0.1 }), session });

const open = fakeObservation(robot, { imageSize: 8 });
const proprioception = open.proprioception.slice();
proprioception[6] = 0; // the left gripper, closed
for (const observation of [open, { ...open, proprioception }]) {
  await policy.reset();
  const action = await policy.act(observation);
  const { rule = 'no rule', reason = '' } = policy.note ?? {};
  console.log(`left gripper told ${action[6]?.toFixed(2)}: ${rule} ${reason}`);
}

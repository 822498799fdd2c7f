// A correction rule of your own: with something in a hand the robot drives at half speed.
//   npx tsx examples/rule.ts
// The session decides what is done with a plan; the rule stands around it and changes what comes out.
import { createPolicy, createSession, type Robot, type Session, stateOf } from 'valet-vla';
import { CHALLENGE_ROBOT, closedOnNothing, isOpen, proprioceptionField } from 'valet-vla/robot';
import { ArithmeticPlanner, fakeObservation } from 'valet-vla/testing';

function carrySlowly(session: Session, robot: Robot): Session {
  let holding = false;
  return {
    reset: () => session.reset(),
    observe(observation) {
      const state = stateOf(robot, observation.proprioception);
      // A hand that is neither open nor closed on nothing has something between its fingers.
      holding = robot.grippers.some((gripper) => {
        const x = state[gripper.column] ?? gripper.open;
        return !isOpen(gripper, x) && !closedOnNothing(gripper, x);
      });
      session.observe(observation);
    },
    needsPlan: () => session.needsPlan(),
    planRequest: () => session.planRequest(),
    accept: (prediction) => session.accept(prediction),
    next() {
      const action = session.next();
      if (holding) for (const column of robot.baseColumns) action[column] = (action[column] ?? 0) / 2;
      return action;
    },
    get note() {
      return holding ? { ...session.note, rule: 'carry-slowly', reason: 'a hand holds something' } : session.note;
    },
  };
}

const robot = CHALLENGE_ROBOT;
const session = carrySlowly(createSession(), robot);
const policy = createPolicy({ planner: new ArithmeticPlanner(robot, { growth: 0.1 }), session });

const open = fakeObservation(robot, { imageSize: 8 });
const proprioception = open.proprioception.slice();
for (const fingers of ['gripper_left_qpos', 'gripper_right_qpos'])
  proprioceptionField(robot, proprioception, fingers).fill(0.02); // half closed
for (const observation of [open, { ...open, proprioception }]) {
  await policy.reset();
  await policy.act(observation);
  const action = await policy.act(observation);
  console.log(`base ${[...action.slice(0, 3)].map((x) => x.toFixed(3)).join(' ')}: ${policy.note?.rule ?? 'no rule'}`);
}

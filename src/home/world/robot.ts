import { ValetError } from '../../base/index.ts';
import { CHALLENGE_ROBOT, type Robot } from '../../robot/index.ts';

/**
 * The robot in MJCF: the shape of the challenge's robot made of primitives, its actuators in the order of the action.
 */

/** Whose body stands in the household. */
export const HOUSEHOLD_ROBOT: Robot = CHALLENGE_ROBOT;

export const SIDES = ['left', 'right'] as const;
export type Side = (typeof SIDES)[number];

/**
 * Metres. Torso links (ankle–knee–hip–chest), upper arm, forearm (two parts), wrist to the point between the
 * fingertips.
 */
const TORSO_LINKS = [0.35, 0.3, 0.25] as const;
const UPPER_ARM = 0.3;
const FOREARM = [0.16, 0.12] as const;
/** Full travel of one finger, metres (docs/facts.md#actions). */
export const FINGER_TRAVEL = 0.05;

/**
 * Joint positions after a reset: torso of the real robot's reset pose (docs/facts.md#actions), left arm tucked away,
 * right arm in front, grippers open.
 */
export const RESET_POSE = {
  torso: [1.025, -1.45, -0.47, 0],
  left: [1.0, 0.15, 0, -2.7, 0, 0, 0],
  right: [0.35, -0.2, 0, -2.0, 0, 0.3, 0],
} as const;

export const TORSO_JOINTS = [1, 2, 3, 4].map((n) => `torso_joint${n}`);
export const armJoints = (side: Side) => [1, 2, 3, 4, 5, 6, 7].map((n) => `${side}_arm_joint${n}`);
export const fingerJoints = (side: Side) => [1, 2].map((n) => `${side}_finger${n}`);
export const BASE_JOINTS = ['base_x', 'base_y', 'base_yaw'] as const;

/** The actuators of each part of the action (docs/facts.md#actions). */
const ACTUATORS_OF: Readonly<Record<string, readonly string[]>> = {
  base: BASE_JOINTS,
  torso: TORSO_JOINTS,
  leftArm: armJoints('left'),
  leftGripper: ['left_gripper'],
  rightArm: armJoints('right'),
  rightGripper: ['right_gripper'],
};

/**
 * Actuators in the order of the action, one per column.
 * @throws ValetError when the robot has parts that this body lacks
 */
export const ACTUATORS = HOUSEHOLD_ROBOT.parts.flatMap(({ name, columns: [start, end] }) => {
  const actuators = ACTUATORS_OF[name] ?? [];
  if (actuators.length !== end - start)
    throw new ValetError(
      'household robot',
      `the part ${name} has ${actuators.length} actuators (expected ${end - start}, one per column).`,
    );
  return actuators;
});

/** The first column of a part. */
const firstColumn = (part: string): number => HOUSEHOLD_ROBOT.parts.find(({ name }) => name === part)?.columns[0] ?? -1;
const gripperColumn = (side: Side): number => HOUSEHOLD_ROBOT.grippers.find(({ name }) => name === side)?.column ?? -1;

/** Where the parts begin in action and state. */
export const COLUMNS = {
  torso: firstColumn('torso'),
  arm: { left: firstColumn('leftArm'), right: firstColumn('rightArm') },
  gripper: { left: gripperColumn('left'), right: gripperColumn('right') },
} as const;
/** Joints of an arm. */
export const ARM_JOINTS = armJoints('left').length;

const SILVER = '.82 .83 .86 1';
const GREY = '.62 .63 .68 1';
const DARK = '.16 .16 .19 1';
const PAD = '.93 .55 .08 1';

function hand(side: Side): string {
  const finger = (n: 1 | 2) => {
    const out = n === 1 ? 1 : -1;
    return `
    <body name="${side}_finger_link${n}" pos="0 0 -.06" gravcomp="1">
      <joint name="${side}_finger${n}" class="finger" axis="0 ${out} 0"/>
      <inertial pos="0 ${0.01 * out} -.04" mass=".08" diaginertia=".00006 .00006 .00002"/>
      <geom name="${side}_pad${n}" class="pad" size=".014 .006 .045" pos="0 ${0.006 * out} -.045"/>
    </body>`;
  };
  return `
    <geom name="${side}_palm" class="robot" type="box" size=".03 .055 .02" pos="0 0 -.04" rgba="${DARK}"/>
    <camera name="${side}_wrist" pos=".085 0 -.02" xyaxes="0 -1 0 .92 0 -.39" fovy="78"/>
    <site name="${side}_tcp" pos="0 0 -.125" size=".006" group="4"/>
    ${finger(1)}${finger(2)}`;
}

function arm(side: Side): string {
  const left = side === 'left';
  const y = left ? 1 : -1;
  const joint = (n: number, axis: string, low: number, high: number) =>
    `<joint name="${side}_arm_joint${n}" class="arm" axis="${axis}" range="${low} ${high}"/>`;
  const limb = (length: number, radius: number, colour: string) =>
    `<geom class="robot" type="capsule" size="${radius}" fromto="0 0 0 0 0 ${-length}" rgba="${colour}"/>`;
  return `
  <body name="${side}_arm_link1" pos="0 ${0.16 * y} .05" gravcomp="1">${joint(1, '0 1 0', -3, 2)}
    <inertial pos="0 0 0" mass="1.5" diaginertia=".004 .004 .004"/>
    <geom class="robot" type="sphere" size=".06" rgba="${DARK}"/>
    <body name="${side}_arm_link2" pos="0 ${0.07 * y} 0" gravcomp="1">${joint(2, '1 0 0', left ? -0.8 : -2.6, left ? 2.6 : 0.8)}
      <inertial pos="0 0 -.05" mass="1.2" diaginertia=".004 .004 .002"/>
      <geom class="robot" type="cylinder" size=".05 .045" euler="1.5708 0 0" rgba="${SILVER}"/>
      <body name="${side}_arm_link3" gravcomp="1">${joint(3, '0 0 1', -2, 2)}
        <inertial pos="0 0 -.15" mass="1.2" diaginertia=".008 .008 .002"/>
        ${limb(UPPER_ARM, 0.045, SILVER)}
        <body name="${side}_arm_link4" pos="0 0 ${-UPPER_ARM}" gravcomp="1">${joint(4, '0 1 0', -2.8, 0.3)}
          <inertial pos="0 0 -.1" mass="1" diaginertia=".006 .006 .0015"/>
          <geom class="robot" type="sphere" size=".05" rgba="${DARK}"/>
          ${limb(FOREARM[0], 0.04, SILVER)}
          <body name="${side}_arm_link5" pos="0 0 ${-FOREARM[0]}" gravcomp="1">${joint(5, '0 0 1', -2.8, 2.8)}
            <inertial pos="0 0 -.06" mass=".7" diaginertia=".002 .002 .001"/>
            ${limb(FOREARM[1], 0.036, GREY)}
            <body name="${side}_arm_link6" pos="0 0 ${-FOREARM[1]}" gravcomp="1">${joint(6, '0 1 0', -2, 2.6)}
              <inertial pos="0 0 -.02" mass=".4" diaginertia=".001 .001 .0005"/>
              <geom class="robot" type="sphere" size=".038" rgba="${DARK}"/>
              <body name="${side}_arm_link7" pos="0 0 -.03" gravcomp="1">${joint(7, '1 0 0', -1.7, 1.7)}
                <inertial pos="0 0 -.03" mass=".4" diaginertia=".001 .001 .0005"/>
                ${hand(side)}
              </body>
            </body>
          </body>
        </body>
      </body>
    </body>
  </body>`;
}

/**
 * Body tree of the robot. The base moves on three virtual joints; `gravcomp` stands for the real robot's gravity
 * compensation.
 */
export const robotBodies = `
  <body name="base" pos="0 0 .02" gravcomp="1">
    <joint name="base_x" type="slide" axis="1 0 0" damping="0"/><joint name="base_y" type="slide" axis="0 1 0" damping="0"/>
    <joint name="base_yaw" type="hinge" axis="0 0 1" damping="0"/>
    <inertial pos="0 0 .1" mass="50" diaginertia="2 2 2"/>
    <geom class="robot" type="box" size=".24 .21 .09" pos="0 0 .13" rgba="${DARK}"/>
    <geom class="robot" type="cylinder" size=".12 .04" pos="0 0 .25" rgba="${GREY}"/>
    <body name="torso_link1" pos="0 0 .28" gravcomp="1"><joint name="torso_joint1" class="torso" axis="0 1 0" range="-1.1 1.83"/>
      <inertial pos="0 0 .17" mass="6" diaginertia=".08 .08 .02"/>
      <geom class="robot" type="capsule" size=".06" fromto="0 0 0 0 0 ${TORSO_LINKS[0]}" rgba="${SILVER}"/>
      <body name="torso_link2" pos="0 0 ${TORSO_LINKS[0]}" gravcomp="1"><joint name="torso_joint2" class="torso" axis="0 1 0" range="-2.79 2.53"/>
        <inertial pos="0 0 .15" mass="5" diaginertia=".06 .06 .02"/>
        <geom class="robot" type="capsule" size=".06" fromto="0 0 0 0 0 ${TORSO_LINKS[1]}" rgba="${GREY}"/>
        <body name="torso_link3" pos="0 0 ${TORSO_LINKS[1]}" gravcomp="1"><joint name="torso_joint3" class="torso" axis="0 -1 0" range="-1.83 1.57"/>
          <inertial pos="0 0 .1" mass="4" diaginertia=".04 .04 .02"/>
          <geom class="robot" type="cylinder" size=".065 .06" pos="0 0 .06" rgba="${DARK}"/>
          <body name="torso_link4" pos="0 0 ${TORSO_LINKS[2]}" gravcomp="1"><joint name="torso_joint4" class="torso" axis="0 0 1" range="-3.05 3.05"/>
            <inertial pos="0 0 0" mass="6" diaginertia=".1 .08 .08"/>
            <geom class="robot" type="box" size=".08 .15 .14" rgba="${SILVER}"/>
            <geom class="robot" type="sphere" size=".085" pos=".02 0 .24" rgba="${DARK}"/>
            <camera name="head" pos=".12 0 .26" xyaxes="0 -1 0 .454 0 .891" fovy="80"/>
            ${arm('left')}${arm('right')}
          </body>
        </body>
      </body>
    </body>
  </body>`;

/** Defaults of the robot's parts. Values measured for stable grasps (docs/simulator.md). */
export const robotDefaults = `
  <default class="robot"><geom contype="2" conaffinity="1" density="0" group="1"/></default>
  <default class="pad"><geom type="box" contype="2" conaffinity="1" density="0" group="1" friction="1.6 .05 .001" condim="4" solimp=".95 .99 .001" priority="2" rgba="${PAD}"/></default>
  <default class="arm"><joint type="hinge" damping="2" armature=".15"/></default>
  <default class="torso"><joint type="hinge" damping="20" armature="1"/></default>
  <default class="finger"><joint type="slide" range="0 ${FINGER_TRAVEL}" damping="10" armature=".3"/></default>`;

export const robotTendons = SIDES.map(
  (side) =>
    `<fixed name="${side}_grip"><joint joint="${side}_finger1" coef="1"/><joint joint="${side}_finger2" coef="1"/></fixed>`,
).join('');

/**
 * Both fingers of a hand move together; `slotBody` is what the assisted grasp's weld slots point at until they are
 * used.
 */
export const robotEqualities = (slotBody: string) =>
  SIDES.map(
    (side) => `
    <joint joint1="${side}_finger1" joint2="${side}_finger2" polycoef="0 1 0 0 0"/>
    <weld name="${side}_grasp" body1="${side}_arm_link7" body2="${slotBody}" active="false" solref=".02 1" solimp=".95 .99 .001"/>`,
  ).join('');

const armActuators = (side: Side) =>
  armJoints(side)
    .map((name, n) => {
      const [kp, kv, force] = n < 4 ? [900, 60, 120] : [300, 15, 40];
      return `<position name="${name}" joint="${name}" kp="${kp}" kv="${kv}" forcerange="${-force} ${force}" inheritrange="1"/>`;
    })
    .join('') +
  `<position name="${side}_gripper" tendon="${side}_grip" kp="600" kv="60" ctrlrange="0 ${2 * FINGER_TRAVEL}" forcerange="-15 15"/>`;

export const robotActuators = `
  <velocity name="base_x" joint="base_x" kv="3000" ctrlrange="-1.1 1.1" forcerange="-400 400"/>
  <velocity name="base_y" joint="base_y" kv="3000" ctrlrange="-1.1 1.1" forcerange="-400 400"/>
  <velocity name="base_yaw" joint="base_yaw" kv="600" ctrlrange="-1 1" forcerange="-150 150"/>
  ${TORSO_JOINTS.map((name) => `<position name="${name}" joint="${name}" kp="6000" kv="600" forcerange="-800 800" inheritrange="1"/>`).join('')}
  ${armActuators('left')}${armActuators('right')}`;

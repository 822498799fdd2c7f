import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeRobotDataset } from '../../../../test/support/data.ts';
import { robotNamed, sameRobot, stateOf } from '../../../robot/index.ts';
import { type Info, InfoSchema } from '../layout.ts';
import { openDataset } from '../open.ts';
import { meaningOf } from './columnNames.ts';
import { proposedRobot, proposeRobot } from './proposeRobot.ts';

const list = (names: unknown, width: number) => ({ dtype: 'float32', shape: [width], names });
const picture = (height: number, width: number) => ({
  dtype: 'video',
  shape: [height, width, 3],
  names: ['height', 'width', 'channels'],
});
function info(features: Record<string, object>, more: object = {}): Info {
  const head = { codebase_version: 'v2.1', robot_type: 'so101_follower', total_episodes: 0, total_frames: 0, fps: 30 };
  return InfoSchema.parse({ ...head, data_path: '', features, ...more });
}

const JOINTS = ['shoulder_pan.pos', 'shoulder_lift.pos', 'elbow_flex.pos', 'wrist_flex.pos', 'wrist_roll.pos'];
const ALOHA = ['waist', 'shoulder', 'elbow', 'forearm_roll', 'wrist_angle', 'wrist_rotate', 'gripper'];
const both = [...ALOHA.map((name) => `left_${name}`), ...ALOHA.map((name) => `right_${name}`)];

describe('a proposed robot', () => {
  it('of an SO-101: named columns of v3.0, grippers from the recorded extremes', () => {
    const names = [...JOINTS, 'gripper.pos'];
    const features = {
      action: list(names, 6),
      'observation.state': list(names, 6),
      'observation.images.front': picture(480, 640),
      'observation.images.front_depth': picture(480, 640),
    };
    const extremes = { min: [0, 0, 0, 0, 0, 2], max: [1, 1, 1, 1, 1, 52] };
    const { robot, guesses } = proposedRobot(info(features, { codebase_version: 'v3.0' }), extremes);
    expect(robot).toMatchObject({
      ...{ name: 'so101_follower', types: ['so101_follower'], width: 6, rate: 30, horizon: 30, paddedWidth: 32 },
      parts: [
        { name: 'arm', columns: [0, 5], kind: 'joint position' },
        { name: 'gripper', columns: [5, 6], kind: 'gripper' },
      ],
      deltas: [0, 1, 2, 3, 4],
      grippers: [{ name: 'gripper', column: 5, closed: 2, open: 52, closedOnNothing: 2.5, openAbove: 49.5 }],
      cameras: [{ name: 'front', feature: 'observation.images.front', size: [480, 640] }],
    });
    expect(robot.proprioception.layouts).toEqual([{ name: 'data set', length: 6, state: [{ columns: [0, 6] }] }]);
    expect(guesses.join('\n')).toMatch(/gripper \(column 5\) is closed at 2 and open at 52: the least and largest/);
    expect(guesses.join('\n')).toMatch(/not taken as cameras: observation.images.front_depth/);
  });

  it('of a two-armed one with {motors: […]}, whose state has the action’s names elsewhere', () => {
    const state = ['base_x', 'base_y', ...both.toReversed()];
    const features = { action: list({ motors: both }, 14), 'observation.state': list({ axes: state }, 16) };
    const { robot } = proposedRobot(info(features, { fps: 50, robot_type: null }));
    expect(robot.parts.map(({ name, columns: [start, end] }) => `${name} ${start}:${end}`)).toEqual([
      'leftArm 0:6',
      'leftGripper 6:7',
      'rightArm 7:13',
      'rightGripper 13:14',
    ]);
    expect(robot.deltas).toEqual([0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12]);
    expect(robot.grippers.map(({ column, closed, open }) => [column, closed, open])).toEqual([
      [6, 0, 1],
      [13, 0, 1],
    ]);
    expect(robot).toMatchObject({ name: 'robot', types: [], rate: 50, horizon: 50 });
    const measured = Float32Array.from({ length: 16 }, (_, i) => i);
    const expected = both.map((name) => state.indexOf(name));
    expect([...stateOf(robot, measured)]).toEqual(expected);
  });

  it('of a wide one is padded to whole eights', () => {
    const names = Array.from({ length: 41 }, (_, i) => `joint_${i}`);
    const features = { action: list(names, 41), 'observation.state': list(names, 41) };
    expect(proposedRobot(info(features)).robot.paddedWidth).toBe(48);
  });

  it.each([
    ['left_waist.pos', 'leftArm', 'joint position'],
    ['torso_1', 'torso', 'joint position'],
    ['main_gripper', 'gripper', 'gripper'],
    ['rightGripper', 'rightGripper', 'gripper'],
    ['x.vel', 'base', 'base velocity'],
    ['vx', 'base', 'base velocity'],
    ['vyaw', 'base', 'base velocity'],
    ['base_theta', 'base', 'base velocity'],
    ['head_pan', 'head', 'joint position'],
    ['elbow.vel', 'other', 'other'],
    ['delta_x', 'other', 'other'],
    ['roll', 'other', 'other'],
  ])('reads %s as %s, %s', (name, part, kind) => {
    expect(meaningOf(name)).toEqual({ part, kind });
  });

  it('says what no names leave open', () => {
    for (const names of [null, undefined, ['too', 'few'], { motors: null }, [['nested']]]) {
      const features = { action: list(names, 5), 'observation.state': list(names, 9) };
      const { robot, guesses } = proposedRobot(info(features));
      expect(robot.parts).toEqual([{ name: 'action', columns: [0, 5], kind: 'other', unit: 'as recorded' }]);
      expect(robot.deltas).toEqual([]);
      expect(robot.proprioception.layouts[0]).toMatchObject({ length: 9, state: [{ columns: [0, 5] }] });
      expect(guesses.join('\n')).toMatch(/5 columns have no names.*\n.*first 5 of 9 numbers[\s\S]*no pictures/);
    }
  });

  it('is refused where the state is shorter than the action, or there is none', () => {
    const short = info({ action: list(null, 7), 'observation.state': list(null, 6) });
    expect(() => proposedRobot(short)).toThrow(/has 6 numbers, the action 7.*write robot.json by hand.*`state` says/);
    expect(() => proposedRobot(info({ action: list(null, 7) }))).toThrow(/has no numbers, the action 7/);
    expect(() => proposedRobot(info({}))).toThrow(/no feature action/);
  });
});

describe('from a folder', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'valet-propose-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('takes extremes over episodes (v2.1), and what it proposes opens the data set', async () => {
    const dir = join(folder, 'v21');
    await writeRobotDataset(dir, robotNamed('single-arm'), { episodes: 2, frames: 12, size: 32 });
    const { robot, guesses } = await proposeRobot(dir);
    expect(guesses.join('\n')).toMatch(/also fits the robot single-arm that comes with Valet/);
    expect(robot).toMatchObject({ name: 'panda', width: 7, cameras: [{ name: 'front' }, { name: 'wrist' }] });
    expect(sameRobot((await openDataset(dir, { robot })).robot!, robot)).toBe(true);
  });

  it('takes those of meta/stats.json (v3.0)', async () => {
    const meta = join(folder, 'v30', 'meta');
    await mkdir(meta, { recursive: true });
    const features = { action: list(['gripper'], 1), 'observation.state': list(['gripper'], 1) };
    await writeFile(join(meta, 'info.json'), JSON.stringify(info(features, { codebase_version: 'v3.0' })));
    const none = await proposeRobot(join(folder, 'v30'));
    expect(none.robot.grippers[0]).toMatchObject({ closed: 0, open: 1 });
    await writeFile(join(meta, 'stats.json'), JSON.stringify({ action: { min: [-1], max: [3] }, other: {} }));
    const { robot } = await proposeRobot(join(folder, 'v30'));
    expect(robot.grippers[0]).toMatchObject({ closed: -1, open: 3 });
    await rm(join(meta, 'stats.json'));
    const lines = [
      { min: [0], max: [2] },
      { min: [-2], max: [1] },
    ].map((action) => JSON.stringify({ stats: { action } }));
    await writeFile(join(meta, 'episodes_stats.jsonl'), lines.join('\n'));
    expect((await proposeRobot(join(folder, 'v30'))).robot.grippers[0]).toMatchObject({ closed: -2, open: 2 });
  });
});

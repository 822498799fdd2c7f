import { describe, expect, it } from 'vitest';
import { robotNamed } from '../../robot/index.ts';
import { cameraFeatures, featureOf } from './cameras.ts';
import { InfoSchema } from './layout.ts';
import { recognisedRobot, requireRobot, robotOf } from './robotOf.ts';

const info = (robot_type: string | null, action: number, state: number, videos: readonly string[] = [], fps = 30) =>
  InfoSchema.parse({
    ...{ codebase_version: 'v2.1', robot_type, total_episodes: 0, total_frames: 0, fps, data_path: '' },
    features: {
      action: { dtype: 'float32', shape: [action] },
      'observation.state': { dtype: 'float32', shape: [state] },
      ...Object.fromEntries(
        videos.map((name) => [`observation.images.${name}`, { dtype: 'video', shape: [48, 64, 3] }]),
      ),
    },
  });

describe('the robot of a data set', () => {
  it('is the one of its type that fits, whatever the case of letters', () => {
    const r1pro = ['rgb.head', 'rgb.left_wrist', 'rgb.right_wrist'];
    expect(recognisedRobot(info('r1PRO', 23, 256, r1pro))).toBe(robotNamed('r1pro'));
    expect(recognisedRobot(info('R1Pro', 23, 61, [...r1pro, 'depth.head']))?.name).toBe('r1pro');
    expect(recognisedRobot(info('panda', 7, 7, ['front', 'wrist']))?.name).toBe('single-arm');
  });

  it('is else the only one that fits, at the frames a second of the data', () => {
    expect(recognisedRobot(info(null, 21, 61))?.name).toBe('r1pro-21');
    const aloha = info('unheard of', 14, 14, ['cam_high', 'cam_left_wrist', 'cam_right_wrist'], 25);
    expect(recognisedRobot(aloha)).toMatchObject({ name: 'aloha', rate: 25 });
  });

  it('is not known where width, state or cameras are of none', async () => {
    for (const one of [info('R1Pro', 22, 256), info('R1Pro', 23, 255), info('panda', 7, 7, ['front'])])
      expect(recognisedRobot(one)).toBeUndefined();
    const unknown = { root: 'demos', info: info('rover', 5, 9), robot: undefined };
    expect(() => requireRobot(unknown)).toThrow(
      /^demos: it is not known which robot .*"rover", 5 actions, 9 of state.*--robot NAME\|FILE; valet data robot DIR/,
    );
    await expect(robotOf('demos', info(null, 7, 7), robotNamed('aloha'))).rejects.toThrow(
      /^demos: the data set is not of the robot aloha: its actions have 7 numbers, not 14/,
    );
    await expect(robotOf('demos', info(null, 7, 7, [], 20), robotNamed('single-arm'))).rejects.toThrow(
      /it has 20 frames a second, not 30/,
    );
  });

  it('names the cameras; where it is not known, their features do', () => {
    const arm = robotNamed('single-arm');
    const videos = ['ceiling', 'wrist', 'front'];
    expect([...cameraFeatures(info(null, 7, 7, videos), arm).keys()]).toEqual(['front', 'wrist']);
    const features = cameraFeatures(info(null, 5, 9, ['rgb.top', 'side']), undefined);
    expect([...features]).toEqual([
      ['top', 'observation.images.rgb.top'],
      ['side', 'observation.images.side'],
    ]);
    expect(() => featureOf('demos', features, 'tob')).toThrow(
      /no camera tob \(it has top, side\).* Did you mean top\?/,
    );
  });
});

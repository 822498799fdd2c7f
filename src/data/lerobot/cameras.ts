import { InputError, nearest } from '../../base/index.ts';
import type { Robot } from '../../robot/index.ts';
import type { Info } from './layout.ts';

const PREFIX = /^observation\.images?\.(rgb\.)?/;

/** What a camera is called whose data set does not know its robot: its feature without what all of them begin with. */
export const cameraNameOf = (feature: string): string => feature.replace(PREFIX, '');

/** The data set's cameras and their features: the robot's, in its order, where it is known; else all videos. */
export function cameraFeatures(info: Info, robot: Robot | undefined): ReadonlyMap<string, string> {
  if (robot)
    return new Map(
      robot.cameras.filter(({ feature }) => feature in info.features).map(({ name, feature }) => [name, feature]),
    );
  const videos = Object.keys(info.features).filter((name) => info.features[name]?.dtype === 'video');
  const short = videos.map(cameraNameOf);
  const distinct = new Set(short).size === short.length;
  return new Map(videos.map((feature, i) => [(distinct && short[i]) || feature, feature]));
}

/** The feature of a camera. @throws InputError that names the cameras that there are */
export function featureOf(root: string, features: ReadonlyMap<string, string>, camera: string): string {
  const feature = features.get(camera);
  if (feature !== undefined) return feature;
  const names = [...features.keys()];
  const guess = nearest(camera, names);
  throw new InputError(
    root,
    `has no camera ${camera} (it has ${names.join(', ') || 'none'}).${guess ? ` Did you mean ${guess}?` : ''}`,
  );
}

import { InputError, nearest } from '../../base/index.ts';
import type { Camera, Robot } from '../../robot/index.ts';
import { type CameraChoice, chosenFeature } from './choice/cameraChoice.ts';
import type { Info } from './layout.ts';

const PREFIX = /^observation\.images?\.(rgb\.)?/;

/** What a camera is called whose data set does not know its robot: its feature without what all of them begin with. */
export const cameraNameOf = (feature: string): string => feature.replace(PREFIX, '');

/** Features that are pictures. */
export const pictureFeatures = (info: Info): string[] =>
  Object.entries(info.features).flatMap(([name, { dtype }]) => (dtype === 'video' || dtype === 'image' ? [name] : []));

/** Pictures that no network takes: depth and segmentation. */
const NO_COLOURS = /depth|seg(mentation)?(_|\.|$)/;

/** Whether a feature's pictures are colours, and not depth or segments. */
export const hasColours = (info: Info, feature: string): boolean =>
  !NO_COLOURS.test(feature) && info.features[feature]?.info?.['video.is_depth_map'] !== true;

/** Words that tell no camera from another. */
const COMMON = new Set('observation observations images image rgb color colour camera cam video link robot'.split(' '));

/** The words of a name that tell a camera from others, sorted; numbers and the robot's own name are none. */
const wordsOf = (text: string): string =>
  [...new Set(text.toLowerCase().split(/[^a-z0-9]+/))]
    .filter((word) => /^[a-z]+$/.test(word) && !COMMON.has(word))
    .sort()
    .join(' ');

/**
 * The feature of each camera of a robot: the chosen one, else the robot's own,
 * else the only one whose words are those of the camera's name,
 * feature or key on the wire. A camera without one is left out.
 */
export function matchedCameras(info: Info, cameras: readonly Camera[], choice?: CameraChoice): Map<string, string> {
  const pictures = pictureFeatures(info).filter((feature) => hasColours(info, feature));
  const found = new Map<string, string>();
  for (const { name, feature, key } of cameras) {
    const words = new Set([name, feature, key].map(wordsOf));
    const alike = pictures.filter((one) => words.has(wordsOf(one)));
    const its = pictures.includes(feature) ? feature : alike.length === 1 ? alike[0] : undefined;
    const chosen = chosenFeature(info, choice, name);
    if (chosen !== undefined || its !== undefined) found.set(name, chosen ?? (its as string));
  }
  // One picture cannot be of two cameras.
  const features = [...found.values()];
  for (const [name, feature] of found)
    if (features.filter((one) => one === feature).length > 1 && chosenFeature(info, choice, name) !== feature)
      found.delete(name);
  return found;
}

/** The data set's cameras and their features: the robot's, in its order, where it is known; else all videos. */
export function cameraFeatures(
  info: Info,
  robot: Robot | undefined,
  choice?: CameraChoice,
): ReadonlyMap<string, string> {
  if (robot) return matchedCameras(info, robot.cameras, choice);
  const pictures = pictureFeatures(info);
  const short = pictures.map(cameraNameOf);
  const distinct = new Set(short).size === short.length;
  return new Map(pictures.map((feature, i) => [(distinct && short[i]) || feature, feature]));
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

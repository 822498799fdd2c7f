import { InputError, nearest } from '../../../base/index.ts';
import type { Camera } from '../../../robot/index.ts';
import type { Info } from '../layout.ts';

/** Features by a camera's name; of several, a set takes the one that it has. */
export type CameraChoice = Readonly<Record<string, readonly string[]>>;

const pictures = (info: Info): string[] =>
  Object.entries(info.features).flatMap(([name, { dtype }]) => (dtype === 'video' || dtype === 'image' ? [name] : []));

const guessed = (wanted: string, names: readonly string[]): string => {
  const guess = nearest(wanted, names);
  return guess === undefined ? '' : ` Did you mean ${guess}?`;
};

/** The feature that was chosen for a camera, if it was; undefined when the set does not have it. */
export const chosenFeature = (info: Info, choice: CameraChoice | undefined, camera: string): string | undefined =>
  choice?.[camera]?.find((feature) => feature in info.features);

const optionOf = (camera: string, features: readonly string[]): string => `--camera ${camera}=${features.join('|')}`;

/** @throws InputError for a feature that is no picture of the set, and one picture for two cameras */
export function requireFeatures(root: string, info: Info, choice: CameraChoice | undefined): void {
  const taken = new Map<string, string>();
  for (const [camera, features] of Object.entries(choice ?? {})) {
    const option = optionOf(camera, features);
    const there = pictures(info);
    const feature = features.find((one) => there.includes(one));
    if (feature === undefined)
      throw new InputError(
        option,
        `${root} has no such pictures (it has ${there.join(', ') || 'none'}).${guessed(features[0] ?? '', there)} ` +
          'With several sets, give the option once for each feature.',
      );
    if (info.features[feature]?.info?.['video.is_depth_map'] === true)
      throw new InputError(option, `${feature} of ${root} holds depth (expected colours).`);
    const other = taken.get(feature);
    if (other !== undefined)
      throw new InputError(option, `${feature} is chosen for the camera ${other} already. Name another.`);
    taken.set(feature, camera);
  }
}

/** @throws InputError for a camera that the robot of the set does not have */
export function requireCameras(
  root: string,
  cameras: readonly Camera[] | undefined,
  choice: CameraChoice | undefined,
): void {
  for (const [camera, features] of Object.entries(choice ?? {})) {
    const option = optionOf(camera, features);
    if (!cameras)
      throw new InputError(option, `it is not known which robot made ${root}. Say it with --robot NAME|FILE.`);
    const names = cameras.map(({ name }) => name);
    if (!names.includes(camera))
      throw new InputError(
        option,
        `the robot of ${root} has no camera ${camera} (it has ${names.join(', ')}).${guessed(camera, names)}`,
      );
  }
}

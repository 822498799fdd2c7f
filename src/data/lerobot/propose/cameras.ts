import type { Camera } from '../../../robot/index.ts';
import { cameraNameOf, hasColours, pictureFeatures } from '../cameras.ts';
import type { Info } from '../layout.ts';

/** The cameras of a data set's picture features, and those that were left out. */
export function proposedCameras(info: Info): { readonly cameras: Camera[]; readonly left: string[] } {
  const all = pictureFeatures(info);
  const left = all.filter((name) => !hasColours(info, name));
  const cameras = all
    .filter((name) => !left.includes(name))
    .map((feature): Camera => {
      const name = cameraNameOf(feature);
      return {
        name,
        feature,
        address: `(?:^|[:./])${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?:::rgb)?$`,
        key: `robot::robot:${name}::rgb`,
        size: sizeOf(info, feature),
      };
    });
  return { cameras, left };
}

/** [height, width] of a picture feature, whose channels may come first or last. */
function sizeOf(info: Info, feature: string): [number, number] {
  const { shape = [], names } = info.features[feature] ?? {};
  const at = (name: string) => (Array.isArray(names) ? shape[names.indexOf(name)] : undefined);
  const [a, b, c] = shape;
  const [height, width] = a === 3 && c !== 3 ? [b, c] : [a, b];
  return [at('height') ?? height ?? 1, at('width') ?? width ?? 1];
}

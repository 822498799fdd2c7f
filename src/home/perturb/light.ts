import { ROOM_LIGHT } from '../world/index.ts';
import { atLevel, type Perturbation } from './perturbation.ts';

/** The lamp stands elsewhere, and all light is weaker or stronger. */
export const light: Perturbation = {
  axis: 'light',
  about: 'the lamp stands elsewhere, and all light is weaker or stronger',
  levels: ['lamp 20° away, light × 0.85 or 1.18', 'lamp 45° away, light × 0.65 or 1.41', 'lamp 75° away, × 0.4 or 1.7'],
  begin({ household, level, random, strike }) {
    const degrees = atLevel(level, [20, 45, 75]);
    const change = atLevel(level, [0.15, 0.35, 0.6]);
    const strength = random.uniform() < 0.5 ? 1 - change : 1 + (change * 7) / 6;
    const around = random.between(0, 2 * Math.PI);
    const [x, y, z] = tilted(ROOM_LIGHT.lamp, (degrees * Math.PI) / 180, around);
    const { diffuse, ambient, headlight } = ROOM_LIGHT;
    const rounded = Number(strength.toFixed(3));
    return {
      proposed: { degrees, around: Number(around.toFixed(3)), strength: rounded },
      scene() {
        household.light = {
          lamp: [x, y, z],
          diffuse: strength * diffuse,
          ambient: strength * ambient,
          headlight: strength * headlight,
        };
        strike({ strength: rounded });
      },
    };
  },
};

type Unit = readonly [number, number, number];

/** A unit vector turned by an angle, towards a side that `around` names. */
export function tilted([x, y, z]: Unit, angle: number, around: number): Unit {
  // Two directions at right angles to it: with the world's x, which it is never along, and with that one.
  const length = Math.hypot(y, z);
  const a: Unit = [0, z / length, -y / length];
  const b: Unit = [y * a[2] - z * a[1], z * a[0] - x * a[2], x * a[1] - y * a[0]];
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const side = (k: 0 | 1 | 2) => Math.cos(around) * a[k] + Math.sin(around) * b[k];
  return [c * x + s * side(0), c * y + s * side(1), c * z + s * side(2)];
}

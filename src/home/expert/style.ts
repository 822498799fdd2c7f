import type { Random } from '../../base/index.ts';
import type { Zone } from './motion.ts';

/** How one person works, as it differs between people: drawn with the scene, kept for an episode. */
export interface Style {
  /** Speed of the hands, share of the usual. */
  readonly speed: number;
  /** How much higher than needed the hand is carried, metres. */
  readonly lift: number;
  /** Where the base likes to stand: offsets of the place of work, metres. */
  readonly stand: readonly [number, number];
}

export function drawStyle(random: Random): Style {
  return {
    speed: random.between(0.8, 1.15),
    lift: random.between(0, 0.05),
    stand: [random.between(-0.03, 0.03), random.between(-0.03, 0.03)],
  };
}

/** Where a point should be for somebody who likes to stand elsewhere: less so to the front than aside. */
export function zoneOf({ stand: [dx, dy] }: Style, { x, y }: Zone): Zone {
  return { x: [x[0] + dx / 3, x[1] + dx / 3], y: [y[0] + dy, y[1] + dy] };
}

import type { Random } from '../../base/index.ts';

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

import type { Random } from '../../base/index.ts';
import type { Vector3 } from '../world/index.ts';

/** Share of the episodes in which a person makes the mistake. */
const SHARE = 0.15;

/**
 * A mistake that a person makes now and then, and mends: the first time the hand goes down in front of where it should.
 * It is over when the hand has been there.
 */
export class Slip {
  /** It will be made, and has not been yet. */
  pending = false;

  /** @param before how far in front, metres along -x */
  constructor(private readonly before: number) {}

  draw(random: Random): void {
    this.pending = random.uniform() < SHARE;
  }

  /** Where the hand goes instead of `goal`. */
  aim([x, y, z]: Vector3): Vector3 {
    return this.pending ? [x - this.before, y, z] : [x, y, z];
  }
}

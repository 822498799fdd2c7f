import type { Random } from '../../base/index.ts';
import { add, distance, type Vector3 } from '../world/index.ts';

/** How near the hand comes to the wrong place before it is noticed, metres. */
const NOTICED_WITHIN = 0.02;

/**
 * A small mistake as people make them: a place is misjudged by some centimetres, which is noticed there and mended.
 * Drawn with the scene; whether it was noticed is a part of the scene's state.
 */
export class Misjudgement {
  noticed = true;
  private offset: Vector3 = [0, 0, 0];

  /** In a share of the scenes the place is misjudged by `metres` in some level direction. */
  draw(random: Random, share: number, metres: readonly [number, number]): void {
    const angle = random.between(-Math.PI, Math.PI);
    const size = random.between(...metres);
    this.noticed = random.uniform() >= share;
    this.offset = [size * Math.cos(angle), size * Math.sin(angle), 0];
  }

  /** Where the place seems to be. */
  seen(place: Vector3): Vector3 {
    return this.noticed ? place : add(place, this.offset);
  }

  /**
   * To be called after every control step with the place and what is being brought there.
   * @param within how near to the wrong place it is noticed, metres: farther off where something is in the way
   */
  notice(place: Vector3, hand: Vector3, within = NOTICED_WITHIN): void {
    if (distance(this.seen(place), hand) < within) this.noticed = true;
  }
}

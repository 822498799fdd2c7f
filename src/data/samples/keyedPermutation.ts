import { Random } from '../../base/index.ts';

/** Rounds of the network; four make a pseudorandom permutation (Luby & Rackoff 1988), the others cost little. */
const ROUNDS = 8;
/** Halves of at most 26 bits: every number stays a whole float64. */
const LARGEST = 2 ** 52;

/**
 * A permutation of 0…count − 1 in a chance order of the seed, of which each place is computed by itself: a balanced
 * Feistel network over the next even power of two, walked on until it lands inside (cycle walking; Black & Rogaway
 * 2002). It takes no memory, and less than four walks on average.
 */
export class KeyedPermutation {
  private readonly keys: Uint32Array;
  private readonly half: number;

  /** @throws RangeError when `count` is no whole number from 1 to 2^52 */
  constructor(
    readonly count: number,
    ...seed: readonly (string | number)[]
  ) {
    if (!(Number.isInteger(count) && count >= 1 && count <= LARGEST))
      throw new RangeError(`KeyedPermutation: count is ${count} (expected a whole number from 1 to 2^52).`);
    const random = Random.of(...seed);
    this.keys = Uint32Array.from({ length: ROUNDS }, () => random.bits());
    let bits = 1;
    while (4 ** bits < count) bits++;
    this.half = 2 ** bits;
  }

  /** What stands at `place`, 0…count − 1. */
  at(place: number): number {
    let x = place;
    do x = this.encrypt(x);
    while (x >= this.count);
    return x;
  }

  /** One to one on 0…half² − 1. */
  private encrypt(x: number): number {
    const { half } = this;
    let [left, right] = [Math.floor(x / half), x % half];
    for (const key of this.keys) [left, right] = [right, left ^ (mixed(right ^ key) & (half - 1))];
    return left * half + right;
  }
}

/** 32 bits, every one of which depends on all of `x` (the finaliser of MurmurHash3). */
function mixed(x: number): number {
  let h = x ^ (x >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

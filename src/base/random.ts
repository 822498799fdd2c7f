import { createHash } from 'node:crypto';

/** The whole state of a generator; JSON-safe, so that a checkpoint can carry it. */
export interface RandomState {
  readonly words: readonly [number, number, number, number];
  /** The spare normal deviate of the polar method, if one is held. */
  readonly spare: number | null;
}

/**
 * Seeded, serialisable random numbers: xoshiro128** (Blackman & Vigna 2018) seeded by SHA-256 of the seed's text.
 * The same seed gives the same numbers on every machine and Node version.
 */
export class Random {
  private words: Uint32Array;
  private spare: number | null = null;

  private constructor(words: Uint32Array) {
    this.words = words;
  }

  /** A generator for `seed` and any further labels; different labels give independent streams. */
  static of(...seed: readonly (string | number | bigint)[]): Random {
    const digest = createHash('sha256').update(seed.map(String).join('\u0000')).digest();
    const words = new Uint32Array(4);
    for (let i = 0; i < 4; i++) words[i] = digest.readUInt32LE(4 * i);
    if (words.every((w) => w === 0)) words[0] = 1;
    return new Random(words);
  }

  static restore(state: RandomState): Random {
    const random = new Random(Uint32Array.from(state.words));
    random.spare = state.spare;
    return random;
  }

  state(): RandomState {
    const [a, b, c, d] = this.words as unknown as [number, number, number, number];
    return { words: [a, b, c, d], spare: this.spare };
  }

  /** 32 random bits as an unsigned integer. */
  bits(): number {
    const s = this.words;
    const x = Math.imul(s[1]!, 5);
    const result = Math.imul((x << 7) | (x >>> 25), 9) >>> 0;
    const t = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = (s[3]! << 11) | (s[3]! >>> 21);
    return result;
  }

  /** Uniform in [0, 1) with 53 bits. */
  uniform(): number {
    return ((this.bits() >>> 5) * 67108864 + (this.bits() >>> 6)) / 9007199254740992;
  }

  /** Uniform in [low, high). */
  between(low: number, high: number): number {
    return low + (high - low) * this.uniform();
  }

  /** A uniform integer in [0, n). */
  integer(n: number): number {
    return Math.floor(this.uniform() * n);
  }

  /** A standard normal deviate (Marsaglia's polar method). */
  normal(): number {
    if (this.spare !== null) {
      const value = this.spare;
      this.spare = null;
      return value;
    }
    for (;;) {
      const u = 2 * this.uniform() - 1;
      const v = 2 * this.uniform() - 1;
      const s = u * u + v * v;
      if (s >= 1 || s === 0) continue;
      const factor = Math.sqrt((-2 * Math.log(s)) / s);
      this.spare = v * factor;
      return u * factor;
    }
  }

  /** Standard normal deviates into `out`. */
  fillNormal<A extends Float32Array | Float64Array>(out: A): A {
    for (let i = 0; i < out.length; i++) out[i] = this.normal();
    return out;
  }

  /** A Gamma(shape, 1) deviate (Marsaglia & Tsang 2000); shape > 0. */
  gamma(shape: number): number {
    if (shape < 1) return this.gamma(shape + 1) * (1 - this.uniform()) ** (1 / shape);
    const d = shape - 1 / 3;
    const c = 1 / Math.sqrt(9 * d);
    for (;;) {
      const x = this.normal();
      const v = (1 + c * x) ** 3;
      if (v <= 0) continue;
      const u = 1 - this.uniform();
      if (Math.log(u) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
    }
  }

  /** A Beta(a, b) deviate. */
  beta(a: number, b: number): number {
    const x = this.gamma(a);
    return x / (x + this.gamma(b));
  }

  /** Fisher–Yates, in place. */
  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      [items[i], items[j]] = [items[j]!, items[i]!];
    }
    return items;
  }
}

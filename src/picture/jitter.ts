import type { Random } from '../base/index.ts';

/**
 * How far a picture's look may drift in training. All zero: pictures stay as they are.
 * No shifts: one pixel of the head camera is 2.4 cm on the table (docs/simulator.md#learning).
 */
export interface Jitter {
  /** Largest change of brightness, as a share of white. */
  readonly brightness: number;
  /** Largest change of contrast about mid-grey, as a factor beside 1. */
  readonly contrast: number;
  /** Standard deviation of the noise of one pixel value, in units of 1/255. */
  readonly noise: number;
}

const NOISE_TABLE = 1 << 16;
/** Random numbers that one picture takes. */
const DRAWS = 4;

/** Jitters the look of pictures in place; a picture's draws come from the generator it is given alone. */
export class PictureJitter {
  private readonly table = new Int16Array(NOISE_TABLE);
  private readonly curve = new Int16Array(256);

  constructor(
    private readonly jitter: Jitter,
    noise: Random,
  ) {
    for (let i = 0; i < NOISE_TABLE; i++) this.table[i] = Math.round(noise.normal() * jitter.noise);
  }

  get active(): boolean {
    const { brightness, contrast, noise } = this.jitter;
    return brightness > 0 || contrast > 0 || noise > 0;
  }

  /** Draws what `count` pictures would: those of another rank, so that its draws are not ours. */
  skip(count: number, random: Random): void {
    if (!this.active) return;
    for (let i = 0; i < DRAWS * count; i++) random.uniform();
  }

  /** @param pictures uint8, `count` pictures of `size` bytes each, changed in place */
  apply(pictures: Uint8Array, size: number, random: Random): void {
    if (!this.active) return;
    const { brightness, contrast } = this.jitter;
    const { curve, table } = this;
    const clamped = new Uint8ClampedArray(pictures.buffer, pictures.byteOffset, pictures.length);
    for (let from = 0; from + size <= pictures.length; from += size) {
      const factor = 1 + random.between(-contrast, contrast);
      const shift = 255 * random.between(-brightness, brightness);
      for (let value = 0; value < 256; value++) curve[value] = Math.round((value - 127.5) * factor + 127.5 + shift);
      // Each picture walks the noise table from a place and with an (odd) stride of its own.
      let at = random.integer(NOISE_TABLE);
      const stride = 2 * random.integer(NOISE_TABLE / 2) + 1;
      for (let i = from; i < from + size; i++) {
        clamped[i] = curve[pictures[i]!]! + table[at]!;
        at = (at + stride) & (NOISE_TABLE - 1);
      }
    }
  }
}

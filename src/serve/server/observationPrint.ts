import type { Observation, Picture } from '../../robot/index.ts';

/** Pixels of a picture that its print holds. */
const SAMPLES = 512;

interface PicturePrint {
  readonly shape: readonly number[];
  readonly samples: Uint8Array;
}

/**
 * What is kept of an observation to know it again, and to tell robots apart: proprioception and task as they are, of
 * every picture its size and some bytes, spread all over it.
 */
export class ObservationPrint {
  readonly taskId: number;
  private readonly proprioception: Float32Array;
  private readonly pictures: readonly PicturePrint[];

  constructor({ taskId, proprioception, pictures }: Observation) {
    this.taskId = taskId;
    this.proprioception = proprioception.slice();
    this.pictures = Object.values(pictures).map(picturePrint);
  }

  /** Whether the other is of the same observation. */
  equals(other: ObservationPrint): boolean {
    return (
      this.taskId === other.taskId &&
      same(this.proprioception, other.proprioception) &&
      this.pictures.length === other.pictures.length &&
      this.pictures.every(({ shape, samples }, i) => {
        const picture = other.pictures[i] as PicturePrint;
        return same(shape, picture.shape) && same(samples, picture.samples);
      })
    );
  }

  /**
   * How far apart the robots' senses are: the mean difference of the proprioception's numbers and of the pictures'
   * bytes (0…1 each). Infinite between robots of other senses.
   */
  distanceTo(other: ObservationPrint): number {
    const pictures = this.pictures.map(({ shape, samples }, i) => {
      const picture = other.pictures[i];
      return picture && same(shape, picture.shape) ? difference(samples, picture.samples) / 255 : 1;
    });
    const seen = pictures.reduce((sum, one) => sum + one, 0) / Math.max(1, pictures.length);
    return difference(this.proprioception, other.proprioception) + seen;
  }
}

/** Whether both are of the same observation of the same robots, row by row. */
export const samePrints = (a: readonly ObservationPrint[], b: readonly ObservationPrint[]): boolean =>
  a.length === b.length && a.every((print, row) => print.equals(b[row] as ObservationPrint));

/** Bytes of channels in turn, so that an alpha that says nothing is left out. */
function picturePrint({ width, height, channels, data }: Picture): PicturePrint {
  const pixels = Math.max(1, Math.floor(data.length / channels));
  const count = Math.min(SAMPLES, 3 * pixels);
  const samples = new Uint8Array(count);
  for (let i = 0; i < count; i++) samples[i] = data[Math.floor((i * pixels) / count) * channels + (i % 3)] ?? 0;
  return { shape: [width, height, channels, data.length], samples };
}

function same(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function difference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs((a[i] as number) - (b[i] as number));
  return sum / Math.max(1, a.length);
}

import type { Picture } from '../robot/index.ts';

/** Bytes of a picture that are compared. */
const SAMPLES = 512;

/**
 * Finds cameras that stand still while the robot moves: those whose picture is the last one, again and again. Some
 * bytes of a picture stand for all, spread over it. The last good picture of such a camera is what it shows already, so
 * there is nothing to put in its place: it is told.
 */
export class FrozenCameras {
  private readonly last = new Map<string, { readonly length: number; readonly samples: Uint8Array }>();
  private readonly repeats = new Map<string, number>();
  private senses: Float32Array | undefined;
  private moved = false;

  reset(): void {
    this.last.clear();
    this.repeats.clear();
    this.senses = undefined;
  }

  /** A new observation begins, with this proprioception. */
  begin(proprioception: Float32Array): void {
    const { senses } = this;
    this.moved = senses?.length === proprioception.length && senses.some((x, i) => x !== proprioception[i]);
    this.senses = proprioception.slice();
  }

  /** How many observations in a row, of a robot that moved, this camera has shown the same picture again. */
  look(camera: string, { data }: Picture): number {
    const samples = new Uint8Array(Math.min(SAMPLES, data.length));
    for (let i = 0; i < samples.length; i++)
      samples[i] = data[Math.floor((i * data.length) / samples.length)] as number;
    const last = this.last.get(camera);
    const same = last?.length === data.length && last.samples.every((byte, i) => byte === samples[i]);
    if (!same) this.last.set(camera, { length: data.length, samples });
    const repeats = same ? (this.repeats.get(camera) ?? 0) + (this.moved ? 1 : 0) : 0;
    this.repeats.set(camera, repeats);
    return this.moved ? repeats : 0;
  }
}

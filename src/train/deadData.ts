import { significant } from '../base/index.ts';
import type { RawBatch } from '../data/index.ts';
import { dimensionName, type Robot } from '../robot/index.ts';

/** Something of the data that did not change over a window of batches. */
export interface DeadPart {
  readonly what: 'state' | 'action' | 'camera';
  readonly name: string;
  /** What a number was all the time; a camera has none. */
  readonly value?: number;
}

/**
 * Watches the batches of a run, window by window, for dimensions and cameras that never change. A window that was not
 * seen from its first batch on, as after a resume, is passed over.
 */
export class DeadData {
  private seen = 0;
  private first: Pick<RawBatch, 'state' | 'actions' | 'pictures'> | undefined;
  private living = { state: new Set<number>(), action: new Set<number>(), camera: new Set<number>() };
  private readonly told = new Set<string>();

  constructor(
    private readonly robot: Robot,
    private readonly window: number,
  ) {}

  /** @param step number of the batch, from 0 @returns at a window's end what was dead in it and was not told before */
  see(step: number, batch: RawBatch): DeadPart[] {
    if (step % this.window === 0) this.begin(batch);
    if (!this.first) return [];
    this.look(batch, this.first);
    this.seen++;
    if (this.seen < this.window) return [];
    const dead = this.dead(this.first).filter(({ what, name }) => !this.told.has(`${what} ${name}`));
    for (const { what, name } of dead) this.told.add(`${what} ${name}`);
    this.first = undefined;
    return dead;
  }

  private begin({ state, actions, pictures, size }: RawBatch): void {
    this.seen = 0;
    this.living = { state: new Set(), action: new Set(), camera: new Set() };
    // The batch's own buffers move to another thread.
    const sample = pictures.length / size;
    const { width } = this.robot;
    this.first = {
      state: state.slice(0, width),
      actions: actions.slice(0, width),
      pictures: pictures.slice(0, sample),
    };
  }

  private look({ state, actions, pictures, size }: RawBatch, first: NonNullable<DeadData['first']>): void {
    const { width, cameras } = this.robot;
    const { living } = this;
    for (let d = 0; d < width; d++) {
      if (!living.state.has(d) && varies(state, d, width, first.state[d] as number)) living.state.add(d);
      if (!living.action.has(d) && varies(actions, d, width, first.actions[d] as number)) living.action.add(d);
    }
    const bytes = pictures.length / size / Math.max(1, cameras.length);
    for (let c = 0; c < cameras.length; c++) {
      if (living.camera.has(c)) continue;
      const own = Buffer.from(first.pictures.buffer, first.pictures.byteOffset + c * bytes, bytes);
      for (let b = 0; b < size && !living.camera.has(c); b++) {
        const at = pictures.byteOffset + (b * cameras.length + c) * bytes;
        if (!own.equals(Buffer.from(pictures.buffer, at, bytes))) living.camera.add(c);
      }
    }
  }

  private dead({ state, actions }: NonNullable<DeadData['first']>): DeadPart[] {
    const { width, cameraNames } = this.robot;
    const { living } = this;
    const columns = Array.from({ length: width }, (_, d) => d);
    const of = (what: 'state' | 'action', values: Float32Array) =>
      columns
        .filter((d) => !living[what].has(d))
        .map((d) => ({ what, name: dimensionName(this.robot, d), value: values[d] as number }));
    const cameras = cameraNames
      .filter((_, c) => !living.camera.has(c))
      .map((name) => ({ what: 'camera', name }) as const);
    return [...of('state', state), ...of('action', actions), ...cameras];
  }
}

function varies(values: Float32Array, dimension: number, width: number, first: number): boolean {
  for (let at = dimension; at < values.length; at += width) if (values[at] !== first) return true;
  return false;
}

/** In words: `state base 0 (0), camera left_wrist`. */
export const deadWords = (parts: readonly DeadPart[]): string =>
  parts
    .map(({ what, name, value }) => `${what} ${name}${value === undefined ? '' : ` (${significant(value)})`}`)
    .join(', ');

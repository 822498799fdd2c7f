import { closeSync, openSync, readSync } from 'node:fs';
import { type NdArray, size, TensorError } from '../graph/index.ts';
import { byteLength, type StoredArray, WIDEN } from './stored.ts';

/** Numbers of 16 bits that are widened at once. */
const PIECE = 2 ** 20;
/** Every array begins at a multiple of so many bytes. */
const ALIGNMENT = 64;

const aligned = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** Bytes of room that a reader needs to hold these arrays at once. */
export const roomFor = (arrays: Iterable<Pick<StoredArray, 'shape' | 'dtype'>>): number =>
  [...arrays].reduce((sum, array) => sum + aligned(byteLength(array)), 0);

/**
 * Reads weights from their files into the same memory again and again. Files stay open: one that is renamed or removed
 * can still be read.
 */
export class WeightReader {
  private readonly files = new Map<string, number>();
  private room = new ArrayBuffer(0);

  /** Opens the files of these weights. */
  constructor(weights: Iterable<StoredArray>) {
    for (const { file } of weights) this.file(file);
  }

  /** The arrays, float32 where they are packed; they hold until the next call. */
  read(weights: ReadonlyMap<string, StoredArray>): Map<string, NdArray> {
    const bytes = roomFor(weights.values());
    if (bytes > this.room.byteLength) this.room = new ArrayBuffer(bytes);
    const out = new Map<string, NdArray>();
    let at = 0;
    for (const [name, weight] of weights) {
      out.set(name, this.readInto(weight, at));
      at += aligned(byteLength(weight));
    }
    return out;
  }

  close(): void {
    for (const file of this.files.values()) closeSync(file);
    this.files.clear();
  }

  private readInto(weight: StoredArray, at: number): NdArray {
    const { shape, dtype, packed, offset } = weight;
    const count = size(shape);
    if (dtype !== 'float32')
      throw new TensorError('WeightReader', `${weight.file} holds a weight of ${dtype} (expected float32).`);
    const data = new Float32Array(this.room, at, count);
    if (!packed) this.fill(weight, new Uint8Array(this.room, at, 4 * count), offset);
    for (let done = 0; packed && done < count; done += PIECE) {
      const half = new Uint16Array(Math.min(PIECE, count - done));
      this.fill(weight, new Uint8Array(half.buffer), offset + 2 * done);
      data.set(WIDEN[packed](half), done);
    }
    return { shape, dtype, data };
  }

  private fill({ file }: StoredArray, bytes: Uint8Array, from: number): void {
    for (let done = 0; done < bytes.length; ) {
      const read = readSync(this.file(file), bytes, done, Math.min(bytes.length - done, 2 ** 30), from + done);
      if (read === 0)
        throw new TensorError(
          'WeightReader',
          `${file} ended at byte ${from + done} (expected ${from + bytes.length}). Is it whole?`,
        );
      done += read;
    }
  }

  private file(path: string): number {
    const open = this.files.get(path) ?? openSync(path, 'r');
    this.files.set(path, open);
    return open;
  }
}

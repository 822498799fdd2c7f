import { closeSync, openSync, writeSync } from 'node:fs';
import { streamLeaf } from './readLeaf.ts';
import { type Chunk, elementsOf, type StoredLeaf } from './storedLeaf.ts';
import { converter, STORED_BYTES, type StoredType } from './storedType.ts';

/** Where a leaf goes: a range of a file that has its size already, row-major, little-endian. */
export interface CopyJob {
  readonly leaf: StoredLeaf;
  readonly file: string;
  readonly offset: number;
  readonly dtype: StoredType;
}

/** What a worker does at a time: some chunks of a leaf, gathered in memory first when that is little. */
export interface CopyTask extends CopyJob {
  readonly chunks: readonly Chunk[];
  readonly gather: boolean;
  /** Unpacked bytes, for the progress. */
  readonly bytes: number;
}

const BUFFER_BYTES = 2 ** 22;
/** Pieces from here on are written as they come. */
const DIRECT_BYTES = 2 ** 18;

/** Does one task, in this thread. @throws InputError that names the file when one is missing, cut off or damaged */
export async function copyTask({ leaf, chunks, file, offset, dtype, gather }: CopyTask): Promise<void> {
  const convert = converter(leaf.dtype, dtype);
  const scale = STORED_BYTES[dtype] / STORED_BYTES[leaf.dtype];
  const handle = openSync(file, 'r+');
  try {
    if (gather) {
      const all = new Uint8Array(elementsOf(leaf.shape) * STORED_BYTES[dtype]);
      await streamLeaf({ ...leaf, chunks }, (at, bytes) => all.set(convert(bytes), at * scale));
      write(handle, all, offset);
      return;
    }
    const out = new Gatherer(handle);
    await streamLeaf({ ...leaf, chunks }, (at, bytes) => out.add(offset + at * scale, convert(bytes)));
    out.flush();
  } finally {
    closeSync(handle);
  }
}

/** Joins writes that follow each other. */
class Gatherer {
  private readonly buffer = new Uint8Array(BUFFER_BYTES);
  private start = 0;
  private length = 0;

  constructor(private readonly handle: number) {}

  add(at: number, bytes: Uint8Array): void {
    if (at !== this.start + this.length || this.length + bytes.length > BUFFER_BYTES) {
      this.flush();
      this.start = at;
    }
    if (bytes.length >= DIRECT_BYTES) {
      this.flush();
      write(this.handle, bytes, at);
      this.start = at + bytes.length;
      return;
    }
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  flush(): void {
    write(this.handle, this.buffer.subarray(0, this.length), this.start);
    this.start += this.length;
    this.length = 0;
  }
}

function write(handle: number, bytes: Uint8Array, at: number): void {
  for (let done = 0; done < bytes.length; )
    done += writeSync(handle, bytes, done, Math.min(bytes.length - done, 2 ** 30), at + done);
}

import { need } from './unknown.ts';

/** Bytes before a page's numbers: room for the part of a row that the page before it held. */
export const FRONT = 1 << 16;
/** Kernels may read and write so far beyond what they are given. */
const SLACK = 64;
const MOST = 2 ** 30;
/** WebAssembly's memory grows by pages of so many bytes. */
const PAGE = 1 << 16;

interface Piece {
  at: number;
  size: number;
}

/** The memory that pages are unpacked in, in four pieces that grow as they must. */
export class PageMemory {
  readonly memory = new WebAssembly.Memory({ initial: 1 });
  bytes = new Uint8Array(this.memory.buffer);
  floats = new Float32Array(this.memory.buffer);
  view = new DataView(this.memory.buffer);
  private readonly pieces = {
    file: { at: 0, size: 0 } as Piece,
    page: { at: 0, size: 0 } as Piece,
    values: { at: 0, size: 0 } as Piece,
    dictionary: { at: 0, size: 0 } as Piece,
  };
  private used = 0;

  /** Where a piece is. */
  at(name: keyof PageMemory['pieces']): number {
    return this.pieces[name].at;
  }

  /** A piece of at least `size` bytes; what lay in it is lost where it grows. */
  room(name: keyof PageMemory['pieces'], size: number): number {
    const piece = this.pieces[name];
    if (size + SLACK > piece.size) {
      const larger = PAGE * Math.ceil((1.25 * size + SLACK) / PAGE);
      need(this.used + larger <= MOST, 'too large');
      this.memory.grow(Math.max(0, Math.ceil((this.used + larger - this.memory.buffer.byteLength) / PAGE) + 1));
      this.bytes = new Uint8Array(this.memory.buffer);
      this.floats = new Float32Array(this.memory.buffer);
      this.view = new DataView(this.memory.buffer);
      [piece.at, piece.size] = [this.used, larger];
      this.used += larger;
    }
    return piece.at;
  }
}

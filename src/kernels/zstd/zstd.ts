import { FormatError } from '../../base/index.ts';
import { kernelModule } from '../kernelBytes.ts';
import { type Fill, fillFrom, followedBy, readUpTo } from './fill.ts';
import { frameHeader, HEADER_BYTES } from './frameHeader.ts';
import { decodeNative, isNative, packedBound } from './native.ts';

interface Exports {
  readonly memory: WebAssembly.Memory;
  heap(): number;
  need(window: number): number;
  open(at: number, size: number, maxWindowLog: number): number;
  step(src: number, count: number, dst: number, room: number): number;
  consumed(): number;
  produced(): number;
  failed(code: number): number;
  reason(code: number): number;
}

const IN_BYTES = 2 ** 18;
/** Decoded bytes come in pieces of this size, the last one shorter. */
export const PIECE_BYTES = 2 ** 20;
/** Windows beyond 128 MB (`--ultra --long=28` and more) are refused. */
const MAX_WINDOW_LOG = 27;

/**
 * A zstd decoder that keeps its memory between streams: WebAssembly, and Node's own for small frames of known size
 * where it has one. Decodes frames of any length in little memory: the frame's window and two buffers, or at most
 * 32 MiB. Synchronous: use it in a worker for anything large.
 */
export class ZstdDecoder {
  private exports: Exports | undefined;

  /**
   * Decodes what `fill` gives, one or several frames; `emit` gets views of the decoder's memory that are valid until
   * it returns.
   * @throws FormatError when the bytes are no zstd, are damaged, or end too early
   */
  decode(fill: Fill, emit: (piece: Uint8Array) => void): void {
    try {
      const header = readUpTo(HEADER_BYTES, fill);
      const { window, size } = frameHeader(header);
      const start = isNative(size) ? readUpTo(packedBound(size) + 1, fill, header) : header;
      const decoded = isNative(size) ? decodeNative(start, size, MAX_WINDOW_LOG) : undefined;
      // What Node refuses is damaged, or several frames: the own decoder reads it, or says what is wrong.
      if (!decoded) this.run(followedBy(start, fill), window, emit);
      else for (let at = 0; at < decoded.length; at += PIECE_BYTES) emit(decoded.subarray(at, at + PIECE_BYTES));
    } catch (error) {
      this.exports = undefined; // after a trap the module's memory means nothing
      if (error instanceof WebAssembly.RuntimeError) throw new FormatError('is no valid zstd data');
      throw error;
    }
  }

  private run(fill: Fill, window: number, emit: (piece: Uint8Array) => void): void {
    const exports = this.instance();
    const work = exports.need(Math.min(2 ** MAX_WINDOW_LOG, Math.max(2 ** 17, window)));
    const align = (n: number) => Math.ceil(n / 16) * 16;
    const at = align(exports.heap());
    const input = at + align(work);
    const output = input + IN_BYTES;
    const lacking = output + PIECE_BYTES - exports.memory.buffer.byteLength;
    if (lacking > 0) exports.memory.grow(Math.ceil(lacking / 65536));
    if (!exports.open(at, work, MAX_WINDOW_LOG)) throw new FormatError('needs more memory to decode than there is');
    let memory = new Uint8Array(exports.memory.buffer);
    let filled = 0;
    let code = 1;
    let any = false;
    for (;;) {
      if (memory.buffer !== exports.memory.buffer) memory = new Uint8Array(exports.memory.buffer);
      const count = fill(memory.subarray(input, input + IN_BYTES));
      if (count === 0) break;
      any = true;
      for (let used = 0, full = false; used < count || full; ) {
        code = exports.step(input + used, count - used, output + filled, PIECE_BYTES - filled) >>> 0;
        if (exports.failed(code))
          throw new FormatError(`is no valid zstd data (${text(memory, exports.reason(code))})`);
        const [consumed, produced] = [exports.consumed(), exports.produced()];
        used += consumed;
        filled += produced;
        full = filled === PIECE_BYTES;
        if (full) {
          emit(memory.subarray(output, output + filled));
          filled = 0;
          full = code !== 0; // at the end of a frame nothing waits to be put out, and asking would begin another one
        } else if (consumed === 0 && produced === 0) break;
      }
    }
    if (!any || code !== 0) throw new FormatError('is cut off inside its zstd data');
    if (filled > 0) emit(memory.subarray(output, output + filled));
  }

  private instance(): Exports {
    this.exports ??= new WebAssembly.Instance(kernelModule('zstd')).exports as unknown as Exports;
    return this.exports;
  }
}

function text(memory: Uint8Array, at: number): string {
  let end = at;
  while (memory[end]) end++;
  return Buffer.from(memory.subarray(at, end)).toString('latin1').toLowerCase();
}

/** Decodes bytes in memory. @throws FormatError, also when there are more than `limit` bytes */
export function decodeZstd(bytes: Uint8Array, limit: number, decoder = new ZstdDecoder()): Uint8Array {
  const parts: Uint8Array[] = [];
  let total = 0;
  decoder.decode(fillFrom(bytes), (piece) => {
    total += piece.length;
    if (total > limit) throw new FormatError(`is longer than ${limit} bytes when unpacked`);
    parts.push(piece.slice());
  });
  return Buffer.concat(parts);
}

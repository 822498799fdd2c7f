import { FormatError } from '../../base/index.ts';
import { kernelModule } from '../kernelBytes.ts';

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

/** Reads into `into` and returns how many bytes there were; 0 at the end. */
export type Fill = (into: Uint8Array) => number;

/**
 * A zstd decoder (WebAssembly) that keeps its memory between streams. Decodes frames of any length in little memory: the frame's
 * window and two buffers. Synchronous: use it in a worker for anything large.
 */
export class ZstdDecoder {
  private exports: Exports | undefined;

  /**
   * Decodes what `fill` gives, one or several frames; `emit` gets views of the decoder's memory that are valid until it returns.
   * @throws FormatError when the bytes are no zstd, are damaged, or end too early
   */
  decode(fill: Fill, emit: (piece: Uint8Array) => void): void {
    try {
      this.run(fill, emit);
    } catch (error) {
      this.exports = undefined; // after a trap the module's memory means nothing
      if (error instanceof WebAssembly.RuntimeError) throw new FormatError('is no valid zstd data');
      throw error;
    }
  }

  private run(fill: Fill, emit: (piece: Uint8Array) => void): void {
    const header = new Uint8Array(18);
    let got = 0;
    for (let n = 1; got < header.length && n > 0; got += n) n = fill(header.subarray(got));
    let rest: Uint8Array | undefined = header.subarray(0, got);
    const exports = this.instance();
    const window = 2 ** MAX_WINDOW_LOG;
    const work = exports.need(Math.min(window, Math.max(2 ** 17, windowBytes(rest))));
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
      let count: number;
      if (rest) {
        memory.set(rest, input);
        count = rest.length;
        rest = undefined;
      } else count = fill(memory.subarray(input, input + IN_BYTES));
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

/** The window of the first frame (RFC 8878, 3.1.1.1); 0 when this is no frame header. Later frames with larger windows fail cleanly. */
function windowBytes(header: Uint8Array): number {
  if (header.length < 6 || Buffer.from(header).readUInt32LE(0) !== 0xfd2fb528) return 0;
  const descriptor = header[4]!;
  if (!(descriptor & 0x20)) {
    const base = 2 ** (10 + (header[5]! >> 3));
    return base + (base / 8) * (header[5]! & 7);
  }
  const at = 5 + [0, 1, 2, 4][descriptor & 3]!;
  const bytes = [1, 2, 4, 8][descriptor >> 6]!;
  if (at + bytes > header.length) return 0;
  const view = Buffer.from(header);
  if (bytes === 8) return Number(view.readBigUInt64LE(at));
  return view.readUIntLE(at, bytes) + (bytes === 2 ? 256 : 0);
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

/** `bytes` as something to read from piece by piece. */
export function fillFrom(bytes: Uint8Array): Fill {
  let at = 0;
  return (into) => {
    const count = Math.min(into.length, bytes.length - at);
    into.set(bytes.subarray(at, at + count));
    at += count;
    return count;
  };
}

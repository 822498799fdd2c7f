import { kernelOver } from '../kernelBytes.ts';

/** Bytes that are turned at once: they stay in the processor's first cache. */
const WINDOW_BYTES = 16 << 10;

let window: { readonly bytes: Uint8Array; readonly mask: (from: number, count: number, word: number) => void };

function opened(): typeof window {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const { mask } = kernelOver<{ mask: (from: number, count: number, word: number) => void }>('mask', memory);
  return { bytes: new Uint8Array(memory.buffer, 0, WINDOW_BYTES), mask };
}

/**
 * A websocket's masking (RFC 6455, section 5.3): byte i of `source` XOR byte (phase + i) mod 4 of `key` goes to
 * `target[at + i]`. Doing it again undoes it. `key` holds 4 bytes; `phase` counts what went before of the same message.
 * @throws RangeError when `target` is too short
 */
export function maskBytes(source: Uint8Array, key: Uint8Array, phase: number, target: Uint8Array, at: number): void {
  window ??= opened();
  const { bytes, mask } = window;
  let word = 0;
  for (let i = 3; i >= 0; i--) word = (word << 8) | (key[(phase + i) & 3] ?? 0);
  for (let from = 0; from < source.length; from += WINDOW_BYTES) {
    const count = Math.min(WINDOW_BYTES, source.length - from);
    const piece = count === source.length ? source : source.subarray(from, from + count);
    bytes.set(piece);
    mask(0, count, word);
    target.set(count === WINDOW_BYTES ? bytes : bytes.subarray(0, count), at + from);
  }
}

/** Bytes of buffers that wait for their next message; what is given back beyond them goes to the collector. */
const KEPT_BYTES = 64 << 20;
const KEPT_COUNT = 64;
const PIECE = 64 << 10;

/**
 * Memory for messages, used again. An observation is megabytes; a new buffer for each would have the collector go
 * through the whole heap every few messages, which costs single replies ten milliseconds.
 */
export class MessageBuffers {
  /** The one given back last stands last: it is in the processor's cache. */
  private readonly free: Buffer[] = [];
  private freeBytes = 0;

  /** A buffer of at least `bytes`, with anything in it. */
  take(bytes: number): Buffer {
    // One much larger would be missing elsewhere.
    const at = this.free.findLastIndex(({ byteLength }) => byteLength >= bytes && byteLength <= 2 * bytes + PIECE);
    const [found] = at < 0 ? [] : this.free.splice(at, 1);
    if (found) {
      this.freeBytes -= found.byteLength;
      return found;
    }
    return Buffer.allocUnsafeSlow(PIECE * Math.ceil(bytes / PIECE));
  }

  /** Nobody reads or writes `buffer` any more. */
  give(buffer: Buffer): void {
    if (buffer.byteLength > KEPT_BYTES) return;
    this.free.push(buffer);
    this.freeBytes += buffer.byteLength;
    while (this.freeBytes > KEPT_BYTES || this.free.length > KEPT_COUNT)
      this.freeBytes -= this.free.shift()?.byteLength ?? 0;
  }
}

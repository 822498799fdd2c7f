/** Bytes in big-endian order, in memory that grows. */
export class ByteWriter {
  private bytes = new Uint8Array(4096);
  private view = new DataView(this.bytes.buffer);
  private length = 0;

  /** All that was written, a view. */
  finish(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  /** A 64-bit float with msgpack's code for it. */
  protected float(value: number): void {
    const at = this.room(9);
    this.bytes[at] = 0xcb;
    this.view.setFloat64(at + 1, value);
  }

  /** A code and `value` in `size` bytes. */
  protected wide(code: number, size: number, value: bigint): void {
    const at = this.room(1 + size);
    this.bytes[at] = code;
    for (let i = 0; i < size; i++) this.bytes[at + 1 + i] = Number((value >> BigInt(8 * (size - 1 - i))) & 0xffn);
  }

  /** A length in its shortest form: in the code itself up to `most`, else in 16 or 32 bits. */
  protected header(length: number, code: number, most: number, code16: number, code32: number): void {
    if (length <= most) this.byte(code | length);
    else if (length < 65536) this.wide(code16, 2, BigInt(length));
    else this.wide(code32, 4, BigInt(length));
  }

  protected byte(byte: number): void {
    const at = this.room(1); // may replace `bytes`
    this.bytes[at] = byte;
  }

  protected raw(bytes: Uint8Array): void {
    const at = this.room(bytes.length);
    this.bytes.set(bytes, at);
  }

  private room(count: number): number {
    const at = this.length;
    this.length += count;
    if (this.length > this.bytes.length) {
      const grown = new Uint8Array(Math.max(this.length + 4096, Math.ceil(1.5 * this.bytes.length)));
      grown.set(this.bytes.subarray(0, at));
      this.bytes = grown;
      this.view = new DataView(grown.buffer);
    }
    return at;
  }
}

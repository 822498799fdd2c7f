import { FormatError, present } from '../../base/index.ts';

export { FormatError };

/** Reads numbers and bytes one after the other. @throws FormatError past the end */
export class ByteReader {
  private at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  get left(): number {
    return this.bytes.length - this.at;
  }

  byte(): number {
    if (this.at >= this.bytes.length) throw new FormatError('ends too early');
    return present(this.bytes[this.at++], 'this.bytes[this.at++]');
  }

  take(length: number): Uint8Array {
    if (length > this.left) throw new FormatError(`ends too early (${length} bytes wanted, ${this.left} left)`);
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  /** An unsigned LEB128 number up to 2^64-1, as a number; beyond 2^53 it is refused. */
  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (!Number.isSafeInteger(value)) throw new FormatError(`holds the number ${value}, which is too large`);
        return value;
      }
      scale *= 128;
    }
    throw new FormatError('holds a number of more than 64 bits');
  }

  /** A varint, or `none` for 2^64-1. */
  varintOr(none: number): number {
    for (let i = 0; i < 10; i++) {
      if (this.bytes[this.at + i] === (i < 9 ? 255 : 1)) continue;
      return this.varint();
    }
    this.at += 10;
    return none;
  }

  /** `count` varints in a row. */
  varints(count: number): number[] {
    if (count > this.left) throw new FormatError(`ends too early (${count} numbers wanted, ${this.left} bytes left)`);
    return Array.from({ length: count }, () => this.varint());
  }

  end(): void {
    if (this.left > 0) throw new FormatError(`has ${this.left} bytes more than it should`);
  }
}

import { maskBytes } from '../../kernels/index.ts';
import type { MessageBuffers } from './messageBuffers.ts';

export interface FrameReaderOptions {
  readonly buffers: MessageBuffers;
  /** Longer ones are left to the library, which refuses them. */
  readonly maxMessageBytes: number;
  /** A whole binary message. `give` must be called once, when its bytes are not needed any more. */
  readonly onMessage: (bytes: Buffer, give: () => void) => void;
  /** Everything else, frame by frame as it came: for the websocket library. The bytes are its own. */
  readonly onOther: (bytes: Buffer) => void;
}

/** FIN and opcode 2: a binary message in one frame, no extension's bits set. */
const WHOLE_BINARY = 0x82;
const FIN = 0x80;
const MASKED = 0x80;
const CONTINUATION = 0;
const FIRST_CONTROL = 8;
/** Shorter messages get memory of their own. */
const POOLED_BYTES = 16 << 10;
/** No more memory is taken on the word of a length alone. */
const FIRST_BYTES = 8 << 20;

/**
 * Takes binary messages out of a client's bytes (RFC 6455, section 5.2), unmasked straight into memory that is used
 * again. All else, namely control frames, text, messages in several frames and whatever is wrong, passes on to the
 * websocket library. Whole frames are taken out, so what is left is a proper stream.
 */
export class FrameReader {
  private readonly header = Buffer.alloc(14);
  private headerBytes = 0;
  /** Of the frame under way, still to come. */
  private left = 0;
  private message: Buffer | undefined;
  private messageBytes = 0;
  private at = 0;
  private readonly mask = Buffer.alloc(4);
  /** A message in several frames is under way. */
  private inPieces = false;
  private stopped = false;

  constructor(private readonly options: FrameReaderOptions) {}

  /** What came, in whatever pieces. `bytes` may be overwritten afterwards. */
  read(bytes: Buffer): void {
    let from = 0;
    while (from < bytes.length && !this.stopped) {
      if (this.left > 0) from += this.payload(bytes, from);
      else from = this.headerFrom(bytes, from);
    }
  }

  /** Takes no further bytes. */
  stop(): void {
    this.stopped = true;
    this.message = undefined;
  }

  /** Collects a frame's header; returns where its payload, or what is missing of the header, begins. */
  private headerFrom(bytes: Buffer, from: number): number {
    const { header } = this;
    for (let at = from; at < bytes.length; at++) {
      header[this.headerBytes++] = bytes.readUInt8(at);
      if (this.headerBytes < 2 || this.headerBytes < headerLength(header)) continue;
      this.begin(header.subarray(0, this.headerBytes));
      this.headerBytes = 0;
      return at + 1;
    }
    return bytes.length;
  }

  private begin(header: Buffer): void {
    const length = payloadLength(header);
    const first = header.readUInt8(0);
    const masked = header.readUInt8(1) >= MASKED;
    const whole = first === WHOLE_BINARY && masked && !this.inPieces;
    this.left = length;
    if (whole && length > 0 && length <= this.options.maxMessageBytes) {
      header.copy(this.mask, 0, header.length - 4);
      this.messageBytes = length;
      this.at = 0;
      this.message =
        length < POOLED_BYTES ? Buffer.allocUnsafe(length) : this.options.buffers.take(Math.min(length, FIRST_BYTES));
      return;
    }
    const opcode = first & 15;
    if (opcode < FIRST_CONTROL && (opcode !== CONTINUATION || this.inPieces)) this.inPieces = first < FIN;
    this.options.onOther(Buffer.from(header));
  }

  /** Takes what there is of the payload under way; returns how much that is. */
  private payload(bytes: Buffer, from: number): number {
    const count = Math.min(this.left, bytes.length - from);
    const piece = bytes.subarray(from, from + count);
    this.left -= count;
    if (!this.message) this.options.onOther(Buffer.from(piece));
    else this.add(piece);
    return count;
  }

  private add(piece: Buffer): void {
    const { at, mask, messageBytes } = this;
    const end = at + piece.length;
    let { message } = this;
    if (!message) return;
    if (end > message.length) {
      const larger = this.options.buffers.take(Math.min(messageBytes, Math.max(end, 2 * message.length)));
      message.copy(larger, 0, 0, at);
      this.options.buffers.give(message);
      this.message = message = larger;
    }
    maskBytes(piece, mask, at, message, at);
    this.at = end;
    if (end < messageBytes) return;
    this.message = undefined;
    const pooled = messageBytes >= POOLED_BYTES;
    this.options.onMessage(message.subarray(0, messageBytes), () => {
      if (pooled) this.options.buffers.give(message);
    });
  }
}

function headerLength(header: Buffer): number {
  const second = header.readUInt8(1);
  const size = second & 0x7f;
  return 2 + (size === 127 ? 8 : size === 126 ? 2 : 0) + (second >= MASKED ? 4 : 0);
}

function payloadLength(header: Buffer): number {
  const size = header.readUInt8(1) & 0x7f;
  if (size < 126) return size;
  return size === 126 ? header.readUInt16BE(2) : header.readUInt32BE(2) * 2 ** 32 + header.readUInt32BE(6);
}

import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { ValetError } from '../../base/index.ts';

/** An HTTP answer as it stood on the wire, names of headers in lower case. */
export interface HttpAnswer {
  readonly firstLine: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One websocket frame of the server, every bit of its head. */
export interface WireFrame {
  readonly fin: number;
  readonly rsv: number;
  readonly opcode: number;
  readonly masked: number;
  readonly payload: Buffer;
}

const TIMEOUT_MS = 10_000;

/**
 * A TCP connection on which HTTP heads and websocket frames are written and read bit by bit: what a library would hide
 * is what is verified.
 */
export class WireClient {
  private received: Buffer = Buffer.alloc(0);
  private ended = false;
  private wake: (() => void) | undefined;

  private constructor(private readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on('data', (data: Buffer) => {
      this.received = Buffer.concat([this.received, data]);
      this.wake?.();
    });
    for (const event of ['end', 'close', 'error'] as const)
      socket.on(event, () => {
        this.ended = true;
        this.wake?.();
      });
  }

  static async open(port: number): Promise<WireClient> {
    const socket = connect({ host: '127.0.0.1', port });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new WireClient(socket);
  }

  request(firstLine: string, headers: Readonly<Record<string, string>>, body: string): void {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    this.socket.write(`${firstLine}\r\n${lines.join('')}\r\n${body}`);
  }

  async answer(): Promise<HttpAnswer> {
    const end = await this.until(() => this.received.indexOf('\r\n\r\n'), 'the head of an HTTP answer');
    const [firstLine = '', ...lines] = this.take(end + 4)
      .toString('latin1')
      .trimEnd()
      .split('\r\n');
    const headers: Record<string, string> = {};
    for (const line of lines) {
      const colon = line.indexOf(':');
      headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
    }
    const length = Number(headers['content-length'] ?? 0);
    await this.until(() => (this.received.length >= length ? 0 : -1), 'the body of an HTTP answer');
    return { firstLine, headers, body: this.take(length).toString('utf8') };
  }

  /** Sends one masked frame, as every client must. */
  frame(opcode: number, payload: Uint8Array): void {
    const size = payload.byteLength;
    const head = Buffer.alloc(size < 126 ? 2 : size < 65_536 ? 4 : 10);
    head[0] = 0x80 | opcode;
    head[1] = 0x80 | (size < 126 ? size : size < 65_536 ? 126 : 127);
    if (head.length === 4) head.writeUInt16BE(size, 2);
    if (head.length === 10) head.writeBigUInt64BE(BigInt(size), 2);
    const mask = randomBytes(4);
    const masked = Buffer.from(payload);
    for (let i = 0; i < masked.length; i++) masked[i]! ^= mask[i & 3]!;
    if (!this.ended) this.socket.write(Buffer.concat([head, mask, masked]));
  }

  /** The next frame, pings and pongs left out. */
  async nextFrame(): Promise<WireFrame> {
    for (;;) {
      const head = await this.until(() => this.headLength(), 'a frame');
      const bytes = this.take(head);
      const [a, b] = [bytes[0]!, bytes[1]!];
      const size =
        (b & 127) === 126 ? bytes.readUInt16BE(2) : (b & 127) === 127 ? Number(bytes.readBigUInt64BE(2)) : b & 127;
      await this.until(() => (this.received.length >= size ? 0 : -1), 'the payload of a frame');
      const frame = { fin: a >> 7, rsv: (a >> 4) & 7, opcode: a & 15, masked: b >> 7, payload: this.take(size) };
      if (frame.opcode !== 9 && frame.opcode !== 10) return frame;
    }
  }

  /** Whether the server sent bytes that nobody has read. */
  get hasMore(): boolean {
    return this.received.length > 0;
  }

  close(): void {
    this.socket.destroy();
  }

  /** Bytes of the frame's head once it is there, else -1. */
  private headLength(): number {
    if (this.received.length < 2) return -1;
    const size = this.received[1]! & 127;
    const length = 2 + (size === 126 ? 2 : size === 127 ? 8 : 0) + (this.received[1]! >> 7 ? 4 : 0);
    return this.received.length >= length ? length : -1;
  }

  private take(count: number): Buffer {
    const part = this.received.subarray(0, count);
    this.received = this.received.subarray(count);
    return part;
  }

  private async until(found: () => number, what: string): Promise<number> {
    const end = performance.now() + TIMEOUT_MS;
    for (;;) {
      const at = found();
      if (at >= 0) return at;
      if (this.ended) throw new ValetError('wire', `the server closed the connection before ${what}.`);
      const left = end - performance.now();
      if (left <= 0) throw new ValetError('wire', `no ${what.replace(/^(a|the) /, '')} within ${TIMEOUT_MS} ms.`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

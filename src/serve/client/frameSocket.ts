import { WebSocket } from 'ws';
import { UnreachableError, ValetError } from '../../base/index.ts';

/** A frame of a server: bytes of a message, or the text of an error. */
export interface ServerFrame {
  readonly bytes: Buffer;
  readonly isBinary: boolean;
}

export interface FrameSocketOptions {
  readonly apiKey?: string | undefined;
  /** How long one frame may be waited for; the official client gives 600 s. */
  readonly replyTimeoutMs?: number | undefined;
  /** Ends whatever is waited for. */
  readonly signal?: AbortSignal | undefined;
}

/** The largest message of a server that is taken. */
const MAX_MESSAGE_BYTES = 256 << 20;

/** A client's websocket whose frames are taken one at a time, in order. */
export class FrameSocket {
  private readonly frames: ServerFrame[] = [];
  private ended: ValetError | undefined;
  private wake: (() => void) | undefined;

  private constructor(
    readonly url: string,
    private readonly socket: WebSocket,
    private readonly replyTimeoutMs: number,
  ) {
    socket.on('message', (data, isBinary) => {
      this.frames.push({ bytes: data as Buffer, isBinary });
      this.wake?.();
    });
    socket.on('error', (error) => this.end(`the connection failed (${error.message})`));
    socket.on('close', (code, reason) =>
      this.end(`the server closed the connection (code ${code}${reason.length > 0 ? `, ${reason}` : ''})`),
    );
  }

  /** @throws UnreachableError when the server cannot be reached, or refuses; ValetError (interrupted) at the signal */
  static async open(
    url: string,
    { apiKey, replyTimeoutMs = 600_000, signal }: FrameSocketOptions = {},
  ): Promise<FrameSocket> {
    const headers = apiKey === undefined ? {} : { Authorization: `Api-Key ${apiKey}` };
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      headers,
      maxPayload: MAX_MESSAGE_BYTES,
      handshakeTimeout: 30_000,
    });
    const opened = new FrameSocket(url, socket, replyTimeoutMs);
    const stop = () => opened.interrupt();
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted) stop();
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', () => reject(opened.ended));
    });
    return opened;
  }

  /** @throws ValetError when the connection has ended */
  send(bytes: Uint8Array, isBinary = true): void {
    this.check();
    this.socket.send(bytes, { binary: isBinary });
  }

  /**
   * The next frame.
   * @throws UnreachableError when the connection has ended, or none comes in time; ValetError (interrupted) at the
   *   signal
   */
  async receive(timeoutMs = this.replyTimeoutMs): Promise<ServerFrame> {
    const end = performance.now() + timeoutMs;
    for (;;) {
      const frame = this.frames.shift();
      if (frame) return frame;
      this.check();
      const left = end - performance.now();
      if (left <= 0) throw new UnreachableError(this.url, `no reply within ${timeoutMs} ms.`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.wake = undefined;
    }
  }

  /** @throws ValetError when the connection has ended, for the first reason there was */
  check(): void {
    if (this.ended) throw this.ended;
  }

  /** Of no more use: whoever waits is told `what`, and so is whoever comes. */
  end(what: string): void {
    this.ended ??= new UnreachableError(this.url, what.endsWith('.') ? what : `${what}.`);
    this.wake?.();
  }

  /** Nobody waits for it any more. */
  private interrupt(): void {
    this.ended ??= new ValetError(this.url, 'interrupted while the server was waited for.', 'interrupted');
    this.wake?.();
    this.socket.terminate();
  }

  /** Ends the connection at once. */
  terminate(): void {
    this.socket.terminate();
  }

  /** Ends the connection in peace; at once when the server does not answer. */
  async close(): Promise<void> {
    this.end('the connection was closed');
    const { socket } = this;
    if (socket.readyState === socket.CLOSED) return;
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.close(1000);
    const timer = setTimeout(() => socket.terminate(), 2000);
    await closed;
    clearTimeout(timer);
  }
}

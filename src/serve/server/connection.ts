import { randomBytes } from 'node:crypto';
import type { WebSocket } from 'ws';
import { InputError } from '../../base/index.ts';
import type { Logger } from '../log.ts';
import { kindOf, reasonFor } from './clientError.ts';
import type { MessageObserver } from './messageObserver.ts';
import type { Metrics } from './metrics.ts';
import type { Responder } from './responder.ts';
import type { Upgraded } from './upgrade.ts';

/** How often a silent client is asked for a sign of life, and how long it may stay silent. */
const PING_MS = 60_000;
const SILENCE_MS = 360_000;
/** Bytes on their way to a client that does not read, beyond which it is answered no further. */
const MAX_UNSENT_BYTES = 1 << 20;

export interface ConnectionLimits {
  /** Messages, and their bytes, that may wait for their turn before the socket is read no further. */
  readonly maxQueuedMessages: number;
  readonly maxQueuedBytes: number;
  /** Messages a second; a faster client is slowed. */
  readonly maxMessagesPerSecond: number;
  /** Without a message for so long the connection ends. */
  readonly idleMs: number;
}

export interface ConnectionOptions {
  readonly id: string;
  readonly client: Upgraded;
  readonly responder: Responder;
  readonly limits: ConnectionLimits;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly observer?: MessageObserver | undefined;
}

/**
 * One websocket: messages in order, one reply each, an error as a text frame and then the end (as the official server
 * does it). A client that sends faster than it is served, or does not read its replies, is read no further until it is:
 * TCP slows it down, and nothing is stored without end.
 */
export class Connection {
  readonly id: string;
  private readonly socket: WebSocket;
  private readonly queue: { readonly data: Buffer; readonly give: () => void }[] = [];
  private queuedBytes = 0;
  private working: Promise<void> | undefined;
  private ended = false;
  private paused = false;
  private unsentBytes = 0;
  private wake: (() => void) | undefined;
  /** When the next message may be taken, by the rate. */
  private nextTurn = 0;
  private heard = performance.now();
  private lastMessage = performance.now();
  private readonly pings: NodeJS.Timeout;
  private readonly idleTimer: NodeJS.Timeout;

  constructor(private readonly options: ConnectionOptions) {
    const { id, client, limits, log } = options;
    const { socket } = client;
    this.id = id;
    this.socket = socket;
    client.listen((data, isBinary, give) => this.receive(data, isBinary, give));
    socket.on('error', (error) => log.warn({ reason: error.message }, 'socket error'));
    for (const sign of ['ping', 'pong'] as const)
      socket.on(sign, () => {
        this.heard = performance.now();
      });
    socket.on('close', () => {
      this.stop();
      clearInterval(this.pings);
      clearTimeout(this.idleTimer);
      this.wake?.();
    });
    this.pings = setInterval(() => this.ping(), PING_MS);
    this.pings.unref();
    const every = Math.max(10, Math.min(limits.idleMs / 4, 60_000));
    this.idleTimer = setInterval(() => this.endWhenIdle(), every);
    this.idleTimer.unref();
  }

  /** Settles when the message under way, if any, is answered. */
  async idle(): Promise<void> {
    await this.working;
  }

  /** Takes no further message; the one under way is still answered. */
  stop(): void {
    this.ended = true;
    this.queue.length = 0;
    this.queuedBytes = 0;
  }

  /** Ends it in peace. */
  end(code: number, reason: string): void {
    this.stop();
    this.options.metrics.ended.inc({ reason });
    this.resume(); // a paused socket would never see the client's answer
    this.socket.close(code, reason);
  }

  async closeResponder(): Promise<void> {
    await this.options.responder.close?.();
  }

  send(bytes: Uint8Array): void {
    const { metrics, observer } = this.options;
    const { socket } = this;
    if (socket.readyState !== socket.OPEN) return;
    this.unsentBytes += bytes.byteLength;
    metrics.sentBytes.inc(bytes.byteLength);
    observer?.onSend?.(this.id, bytes, performance.now(), true);
    socket.send(bytes, () => {
      this.unsentBytes -= bytes.byteLength;
      if (this.unsentBytes <= MAX_UNSENT_BYTES) this.wake?.();
    });
  }

  private receive(data: Buffer, isBinary: boolean, give: () => void): void {
    this.heard = this.lastMessage = performance.now();
    if (this.ended) return;
    const { metrics, observer, limits } = this.options;
    metrics.receivedBytes.inc(data.byteLength);
    observer?.onReceive?.(this.id, data, this.heard, isBinary);
    if (!isBinary) {
      this.fail(new InputError('message', 'is a text frame (expected a binary one, msgpack).'));
      return;
    }
    this.queue.push({ data, give });
    this.queuedBytes += data.byteLength;
    if (this.queue.length >= limits.maxQueuedMessages || this.queuedBytes >= limits.maxQueuedBytes) this.pause();
    this.working ??= this.work();
  }

  private async work(): Promise<void> {
    for (let next = this.queue.shift(); next; next = this.queue.shift()) {
      const { data, give } = next;
      this.queuedBytes -= data.byteLength;
      try {
        const wait = this.turn();
        if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
        if (this.unsentBytes > MAX_UNSENT_BYTES) await this.flushed();
        const reply = await this.options.responder.respond(data);
        if (reply) this.send(reply);
        give();
        this.lastMessage = performance.now();
      } catch (error) {
        this.fail(error as Error);
      }
      if (this.queue.length === 0) this.resume();
    }
    this.working = undefined;
  }

  /** Milliseconds until the next message may be taken: one second's worth may come at once. */
  private turn(): number {
    const interval = 1000 / this.options.limits.maxMessagesPerSecond;
    const now = performance.now();
    this.nextTurn = Math.max(this.nextTurn, now - 1000) + interval;
    return this.nextTurn > now ? Math.ceil(this.nextTurn - now) : 0;
  }

  private async flushed(): Promise<void> {
    this.options.metrics.pauses.inc();
    while (this.unsentBytes > MAX_UNSENT_BYTES && !this.ended)
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    this.wake = undefined;
  }

  private pause(): void {
    if (this.paused) return;
    this.paused = true;
    this.options.metrics.pauses.inc();
    this.socket.pause();
  }

  private resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.socket.resume();
  }

  private ping(): void {
    const { socket } = this;
    // While the socket is not read because a plan takes long, the client cannot be heard.
    const deaf = this.paused && this.unsentBytes <= MAX_UNSENT_BYTES;
    if (deaf) this.heard = performance.now();
    if (performance.now() - this.heard > SILENCE_MS) socket.terminate();
    else socket.ping();
  }

  private endWhenIdle(): void {
    if (this.working || this.ended || performance.now() - this.lastMessage < this.options.limits.idleMs) return;
    this.options.log.info('idle for too long');
    this.end(1000, 'idle');
  }

  /** Tells the client in one line without stack or path, tells the log everything, and ends the connection. */
  private fail(error: Error): void {
    if (this.ended) return;
    this.stop();
    const { socket } = this;
    const { metrics, log, observer } = this.options;
    const id = randomBytes(4).toString('hex');
    const kind = kindOf(error);
    metrics.errors.inc({ kind });
    log[kind === 'input' ? 'warn' : 'error'](
      { id, kind, ...(kind === 'input' ? { reason: error.message } : { err: error }) },
      'message refused',
    );
    const text = `error ${id}: ${reasonFor(kind, error).slice(0, 500)}`;
    if (socket.readyState === socket.OPEN) {
      observer?.onSend?.(this.id, Buffer.from(text), performance.now(), false);
      socket.send(text);
    }
    this.resume();
    socket.close(kind === 'busy' ? 1013 : 1011, `error ${id}, see the previous frame`);
  }
}

import { randomBytes } from 'node:crypto';
import type { WebSocket } from 'ws';
import { InputError } from '../../base/index.ts';
import type { Logger } from '../log.ts';
import { type ClientErrorKind, kindOf, reasonFor } from './clientError.ts';
import type { ConnectionTape } from './connectionTape.ts';
import { Heartbeat } from './heartbeat.ts';
import type { Metrics } from './metrics.ts';
import { Outbox } from './outbox.ts';
import { MessagePace } from './rateLimit.ts';
import type { Responder } from './responder.ts';
import type { Upgraded } from './upgrade.ts';

/** How long a connection that is taken over may take to close. */
const CUT_OFF_MS = 500;
/** Codes of a connection that its client ended because it had finished: normal, going away, none. */
const FINISHED = [1000, 1001, 1005];

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
  readonly client: Upgraded;
  readonly responder: Responder;
  readonly limits: ConnectionLimits;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Hears what comes and goes. */
  readonly tape: ConnectionTape;
}

/**
 * One websocket: messages in order, one reply each, an error as a text frame and then the end (as the official server
 * does it). A client that sends faster than it is served, or does not read its replies, is read no further until it is:
 * TCP slows it down, and nothing is stored without end.
 */
export class Connection {
  /** The log that says whose connection it is. */
  log: Logger;
  private readonly socket: WebSocket;
  private readonly queue: { readonly data: Buffer; readonly give: () => void }[] = [];
  private queuedBytes = 0;
  private working: Promise<void> | undefined;
  private ended = false;
  /** How the server ended it, if it did. */
  private ending: ClientErrorKind | 'in peace' | undefined;
  /** Settles when it has closed. */
  private readonly gone: Promise<unknown>;
  private paused = false;
  private readonly outbox: Outbox;
  private readonly pace: MessagePace;
  private readonly heartbeat: Heartbeat;

  constructor(private readonly options: ConnectionOptions) {
    const { client, limits, log } = options;
    const { socket } = client;
    this.socket = socket;
    this.gone = new Promise((resolve) => socket.once('close', resolve));
    this.outbox = new Outbox(socket);
    this.pace = new MessagePace(limits.maxMessagesPerSecond);
    this.log = log;
    client.listen((data, isBinary, give) => this.receive(data, isBinary, give));
    // Reading stops when its listeners change hands.
    socket.pause();
    socket.resume();
    socket.on('error', (error) => this.log.warn({ reason: error.message }, 'socket error'));
    this.heartbeat = new Heartbeat({
      socket,
      idleMs: limits.idleMs,
      isDeaf: () => this.paused && !this.outbox.isFull,
      isBusy: () => this.ended || this.working !== undefined,
      onIdle: () => {
        this.log.info('idle for too long');
        this.end(1000, 'idle');
      },
    });
  }

  /**
   * The socket has closed with this code: takes no further message.
   * @returns whether the client lost it, and may come back to go on: unless the server ended it or refused a message,
   *   or the client closed it with every message answered
   */
  closed(code: number): boolean {
    const unanswered = this.working !== undefined || this.outbox.holdsAny;
    this.stop();
    this.heartbeat.stop();
    this.outbox.close();
    if (this.ending !== undefined) return this.ending !== 'in peace' && this.ending !== 'input';
    return unanswered || !FINISHED.includes(code);
  }

  /** Whether its client answers a ping within `ms`. */
  isAlive(ms: number): Promise<boolean> {
    return this.heartbeat.answers(ms);
  }

  /** Whether it has not begun to close. */
  get isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN;
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
    this.ending ??= 'in peace';
    this.stop();
    this.options.metrics.ended.inc({ reason });
    this.resume(); // a paused socket would never see the client's answer
    this.socket.close(code, reason);
  }

  /** Its client came back over another one: ends it, and settles when it has closed. */
  async cutOff(): Promise<void> {
    const { socket } = this;
    if (socket.readyState === socket.CLOSED) return;
    this.stop();
    this.resume();
    socket.close(1008, 'resumed elsewhere');
    const timer = setTimeout(() => socket.terminate(), CUT_OFF_MS);
    await this.gone;
    clearTimeout(timer);
  }

  /** The server ends; settles when the connection has closed. */
  async shutDown(): Promise<void> {
    this.end(1001, 'the server shuts down');
    await this.gone;
  }

  /** Ends it at once. */
  terminate(): void {
    this.socket.terminate();
  }

  send(bytes: Uint8Array): void {
    const { metrics, tape } = this.options;
    if (!this.isOpen) return;
    metrics.sentBytes.inc(bytes.byteLength);
    tape.sent(bytes, true);
    this.outbox.send(bytes);
  }

  private receive(data: Buffer, isBinary: boolean, give: () => void): void {
    this.heartbeat.message();
    if (this.ended) return;
    const { metrics, tape, limits } = this.options;
    metrics.receivedBytes.inc(data.byteLength);
    tape.received(data, isBinary);
    if (!isBinary) {
      this.fail(new InputError('message', 'is a text frame (expected a binary one, msgpack).'));
      return;
    }
    this.queue.push({ data, give });
    this.queuedBytes += data.byteLength;
    this.working ??= this.work();
    // One message may wait, whatever its size: a client that sends one at a time is heard, its pings are answered.
    const waiting = this.queue.length;
    if (waiting >= limits.maxQueuedMessages || (waiting > 1 && this.queuedBytes >= limits.maxQueuedBytes)) this.pause();
  }

  private async work(): Promise<void> {
    for (let next = this.queue.shift(); next; next = this.queue.shift()) {
      const { data, give } = next;
      this.queuedBytes -= data.byteLength;
      try {
        const wait = this.pace.next();
        if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
        if (this.outbox.isFull) await this.flushed();
        const reply = await this.options.responder.respond(data);
        if (reply) this.send(reply);
        give();
        this.heartbeat.message();
      } catch (error) {
        this.fail(error as Error);
      }
      if (this.queue.length === 0) this.resume();
    }
    this.working = undefined;
  }

  private async flushed(): Promise<void> {
    this.options.metrics.pauses.inc();
    await this.outbox.flushed(() => this.ended);
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

  /** Tells the client in one line without stack or path, tells the log everything, and ends the connection. */
  private fail(error: Error): void {
    const kind = kindOf(error);
    if (this.ended) {
      this.log.warn({ kind, reason: error.message }, 'a message of a lost connection failed');
      return;
    }
    this.ending = kind;
    this.stop();
    const { socket, log } = this;
    const { metrics, tape } = this.options;
    const id = randomBytes(4).toString('hex');
    metrics.errors.inc({ kind });
    log[kind === 'input' ? 'warn' : 'error'](
      { id, kind, ...(kind === 'input' ? { reason: error.message } : { err: error }) },
      'message refused',
    );
    const text = `error ${id}: ${reasonFor(kind, error).slice(0, 500)}`;
    if (socket.readyState === socket.OPEN) {
      tape.sent(Buffer.from(text), false);
      socket.send(text);
    }
    this.resume();
    socket.close(kind === 'busy' ? 1013 : 1011, `error ${id}, see the previous frame`);
  }
}

import { randomBytes } from 'node:crypto';
import type { WebSocket } from 'ws';
import { InputError, ValetError } from '../base/index.ts';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';
import { packMessage } from './pack.ts';
import { PlanError, type Robot } from './robot.ts';
import { unpackMessage } from './unpack.ts';

/** The most values in one observation; real ones have about 40. */
const MAX_VALUES = 10_000;
const MAX_DEPTH = 32;
/** How often a silent client is asked for a sign of life, and how long it may stay silent. */
const PING_MS = 60_000;
const SILENCE_MS = 360_000;

export interface QueueLimits {
  readonly maxQueuedMessages: number;
  readonly maxQueuedBytes: number;
}

/** One websocket: messages in order, one reply each, an error as a text frame and then the end (as the official server does it). */
export class Connection {
  private readonly queue: Uint8Array[] = [];
  private queuedBytes = 0;
  private working: Promise<void> | undefined;
  private ended = false;
  private heard = performance.now();
  private readonly pings: NodeJS.Timeout;

  constructor(
    private readonly socket: WebSocket,
    private readonly robot: Robot,
    private readonly limits: QueueLimits,
    private readonly metrics: Metrics,
    private readonly log: Logger,
  ) {
    socket.on('message', (data, isBinary) => this.receive(data as Buffer, isBinary));
    socket.on('error', (error) => this.log.warn({ reason: error.message }, 'socket error'));
    for (const sign of ['ping', 'pong'] as const)
      socket.on(sign, () => {
        this.heard = performance.now();
      });
    socket.on('close', () => {
      this.ended = true;
      this.queue.length = 0;
      clearInterval(this.pings);
    });
    this.pings = setInterval(() => {
      if (performance.now() - this.heard > SILENCE_MS) socket.terminate();
      else socket.ping();
    }, PING_MS);
    this.pings.unref();
  }

  /** Settles when the message under way, if any, is answered. */
  async idle(): Promise<void> {
    await this.working;
  }

  /** Takes no further message; the one under way is still answered. */
  stop(): void {
    this.ended = true;
    this.queue.length = 0;
  }

  private receive(data: Buffer, isBinary: boolean): void {
    this.heard = performance.now();
    if (this.ended) return;
    this.metrics.receivedBytes.inc(data.byteLength);
    const { maxQueuedMessages, maxQueuedBytes } = this.limits;
    const full = this.queue.length >= maxQueuedMessages || this.queuedBytes + data.byteLength > maxQueuedBytes;
    if (!isBinary || full) {
      const what = isBinary
        ? 'too many observations before the reply to the first. Send one, then wait for its reply.'
        : 'is a text frame (expected a binary one, msgpack).';
      this.fail(new InputError('message', what));
      return;
    }
    this.queue.push(data);
    this.queuedBytes += data.byteLength;
    this.working ??= this.work();
  }

  private async work(): Promise<void> {
    for (let data = this.queue.shift(); data; data = this.queue.shift()) {
      this.queuedBytes -= data.byteLength;
      try {
        await this.answer(data);
      } catch (error) {
        this.fail(error as Error);
      }
    }
    this.queuedBytes = 0;
    this.working = undefined;
  }

  private async answer(data: Uint8Array): Promise<void> {
    const stop = this.metrics.replySeconds.startTimer();
    const reply = await this.robot.answer(unpackMessage(data, { maxValues: MAX_VALUES, maxDepth: MAX_DEPTH }));
    if (!reply) this.metrics.resets.inc();
    if (!reply || this.socket.readyState !== this.socket.OPEN) return;
    this.socket.send(packMessage(reply));
    stop();
    this.metrics.observations.inc();
  }

  /** Tells the client in one line without stack or path, tells the log everything, and ends the connection. */
  private fail(error: Error): void {
    if (this.ended) return;
    this.stop();
    const id = randomBytes(4).toString('hex');
    const kind =
      error instanceof ValetError && error.kind === 'input'
        ? 'input'
        : error instanceof PlanError
          ? 'plan'
          : 'internal';
    this.metrics.errors.inc({ kind });
    this.log[kind === 'input' ? 'warn' : 'error'](
      { id, kind, ...(kind === 'input' ? { reason: error.message } : { err: error }) },
      'message refused',
    );
    const reason =
      kind === 'input' ? withoutPaths(error.message) : kind === 'plan' ? 'no plan could be made' : 'internal error';
    if (this.socket.readyState === this.socket.OPEN) this.socket.send(`error ${id}: ${reason.slice(0, 500)}`);
    this.socket.close(1011, `error ${id}, see the previous frame`);
  }
}

/** The text with anything that looks like a path of this machine taken out. */
export function withoutPaths(text: string): string {
  return text.replace(/(?:[A-Za-z]:)?(?:[\\/][\w.@~-]+){2,}[\\/]?/g, '(path)');
}

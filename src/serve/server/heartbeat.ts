import { randomBytes } from 'node:crypto';
import type { WebSocket } from 'ws';

/**
 * How often a silent client is asked for a sign of life, and how long it may stay silent where the idle time-out is
 * shorter: a client may answer pings only when it asks again.
 */
const PING_MS = 60_000;
const SILENCE_MS = 360_000;

export interface HeartbeatOptions {
  readonly socket: WebSocket;
  /** Without a message for so long the connection ends. */
  readonly idleMs: number;
  /** While the socket is not read because a plan takes long, the client cannot be heard. */
  readonly isDeaf: () => boolean;
  /** A message is being answered. */
  readonly isBusy: () => boolean;
  readonly onIdle: () => void;
  /** In place of `PING_MS` and `SILENCE_MS`. */
  readonly pingMs?: number;
  readonly silenceMs?: number;
}

/**
 * Finds out whether a client is still there, and whether it still wants anything. A machine that has gone without a
 * word is found by TCP's keepalive, too (`upgrade`).
 */
export class Heartbeat {
  private heard = performance.now();
  private lastMessage = performance.now();
  /** The ping whose answer is waited for, however many ask. */
  private asked: Promise<boolean> | undefined;
  private readonly timers: readonly NodeJS.Timeout[];

  constructor(private readonly options: HeartbeatOptions) {
    const { socket, idleMs, pingMs = PING_MS } = options;
    for (const sign of ['ping', 'pong'] as const) socket.on(sign, () => this.sign());
    const every = Math.max(10, Math.min(idleMs / 4, 60_000));
    this.timers = [setInterval(() => this.ping(), pingMs), setInterval(() => this.endWhenIdle(), every)];
    for (const timer of this.timers) timer.unref();
  }

  /** The client sent a message, or was answered. */
  message(): void {
    this.heard = this.lastMessage = performance.now();
  }

  /** Whether the client answers a ping within `ms`. One that cannot be heard is taken to be there. */
  answers(ms: number): Promise<boolean> {
    const { socket, isDeaf } = this.options;
    if (socket.readyState !== socket.OPEN) return Promise.resolve(false);
    if (isDeaf()) return Promise.resolve(true);
    this.asked ??= this.pong(ms).finally(() => {
      this.asked = undefined;
    });
    return this.asked;
  }

  stop(): void {
    for (const timer of this.timers) clearInterval(timer);
  }

  private pong(ms: number): Promise<boolean> {
    const { socket } = this.options;
    const token = randomBytes(8);
    return new Promise((resolve) => {
      const end = (answered: boolean) => {
        clearTimeout(timer);
        socket.off('pong', pong);
        socket.off('close', gone);
        resolve(answered);
      };
      const pong = (bytes: Buffer) => bytes.equals(token) && end(true);
      const gone = () => end(false);
      const timer = setTimeout(gone, ms);
      socket.on('pong', pong);
      socket.on('close', gone);
      socket.ping(token);
    });
  }

  private sign(): void {
    this.heard = performance.now();
  }

  private ping(): void {
    const { socket, isDeaf, idleMs, silenceMs = SILENCE_MS } = this.options;
    if (isDeaf()) this.sign();
    if (performance.now() - this.heard > Math.max(silenceMs, idleMs)) socket.terminate();
    else socket.ping();
  }

  private endWhenIdle(): void {
    const { isBusy, idleMs, onIdle } = this.options;
    if (!isBusy() && performance.now() - this.lastMessage >= idleMs) onIdle();
  }
}

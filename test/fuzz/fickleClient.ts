import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import type { Random } from '../../src/base/index.ts';
import { packMessage, unpackMessage } from '../../src/wire/index.ts';
import { actionOf, fakeObservation, wireObservation } from '../support/serve.ts';

/** How a client behaves: `goes` leaves in the middle, `stalls` reads nothing for a while, `times out` asks again. */
export type Habit = 'steady' | 'goes' | 'stalls' | 'times out';

/** A client of the wire with a habit. After a lost connection it sends what was not answered again. */
export class Fickle {
  steps = 0;
  /** The longest that it waited for an action, lost connections included. */
  longestMs = 0;
  readonly errors = new Map<string, number>();
  private stopped = false;
  private socket: WebSocket | undefined;

  constructor(
    private readonly url: string,
    private readonly index: number,
    readonly habit: Habit,
    private readonly random: Random,
  ) {}

  stop(): void {
    this.stopped = true;
  }

  async play(): Promise<void> {
    let asked = performance.now();
    for (let step = 0; !this.stopped; ) {
      const got = await this.ask(step).catch((error: Error) => this.count(error.message));
      if (got) {
        step++;
        this.steps++;
        this.longestMs = Math.max(this.longestMs, performance.now() - asked);
        asked = performance.now();
      } else {
        this.socket?.terminate();
        this.socket = undefined;
        await sleep(20 + 100 * this.random.uniform());
      }
      if (this.habit === 'stalls' && this.random.uniform() < 0.02) await this.stall();
    }
    this.socket?.terminate();
  }

  private async ask(step: number): Promise<boolean> {
    const socket = (this.socket ??= await this.connect());
    const { joint, shade } = { joint: this.index + step / 500, shade: (37 * this.index + step) % 255 };
    socket.removeAllListeners('message').removeAllListeners('close');
    const reply = new Promise<boolean>((resolve, reject) => {
      socket.once('message', (data, isBinary) => {
        if (!isBinary) reject(new Error(String(data).replace(/^error \w+: /, '')));
        else if (actionOf(unpackMessage(data as Buffer)).length === 23) resolve(true);
        else reject(new Error('wrong'));
      });
      socket.once('close', () => reject(new Error('lost')));
    });
    reply.catch(() => undefined);
    socket.send(packMessage(wireObservation(fakeObservation({ taskId: 1, joint, shade, side: 32 }))));
    const { habit, random } = this;
    if (habit !== 'goes' && habit !== 'times out') return reply;
    if (habit === 'goes' && random.uniform() > 0.1) return reply;
    const given = habit === 'goes' ? 30 * random.uniform() : 50 + 400 * random.uniform();
    const late = sleep(given).then(() => Promise.reject(new Error(habit === 'goes' ? 'gone' : 'timed out')));
    return Promise.race([reply, late]).finally(() => late.catch(() => undefined));
  }

  private async connect(): Promise<WebSocket> {
    const socket = new WebSocket(this.url);
    socket.on('error', () => undefined);
    await new Promise<void>((resolve, reject) => {
      socket.once('message', () => resolve());
      socket.once('close', () => reject(new Error('refused')));
    });
    return socket;
  }

  private async stall(): Promise<void> {
    this.socket?.pause();
    await sleep(3000 * this.random.uniform());
    this.socket?.resume();
  }

  private count(what: string): false {
    this.errors.set(what, (this.errors.get(what) ?? 0) + 1);
    return false;
  }
}

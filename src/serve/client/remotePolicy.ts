import { WebSocket } from 'ws';
import { InputError, ValetError } from '../../base/index.ts';
import type { Observation, Policy, PolicyNote } from '../../robot/index.ts';
import { actionFromWire, observationToWire, packMessage, unpackMessage, type WireMap } from '../../wire/index.ts';

export interface RemoteOptions {
  readonly apiKey?: string;
  /** How long to wait for the server's /healthz. */
  readonly healthTimeoutMs?: number;
  /** How long one reply may take; the official client gives 600 s. */
  readonly replyTimeoutMs?: number;
  /** The prefix of the keys on the wire. */
  readonly robot?: string;
  /** Asks for the policy's note (stage, rule, compression) beside each action; servers that do not know it ignore the wish. */
  readonly notes?: boolean;
}

/** Between two looks at /healthz. The official client waits 5 s; on one machine that is long. */
const HEALTH_POLL_MS = 250;
/** A reply without an action: the official client sends the same observation again, twice at most. */
const RESENDS = 2;

type Frame = { readonly data: Buffer; readonly isBinary: boolean };

/** A policy at the other end of a websocket: any server of the official wire (docs/facts.md#protocol). One connection is one robot. */
export class RemotePolicy implements Policy {
  note: PolicyNote | undefined;
  private readonly frames: Frame[] = [];
  private waiting: { resolve: (frame: Frame) => void; reject: (error: Error) => void } | undefined;
  private broken: Error | undefined;
  private busy = false;

  private constructor(
    readonly url: string,
    private readonly socket: WebSocket,
    private readonly options: RemoteOptions,
  ) {
    socket.on('message', (data, isBinary) => {
      const frame = { data: data as Buffer, isBinary };
      if (this.waiting) this.settle((waiting) => waiting.resolve(frame));
      else this.frames.push(frame);
    });
    socket.on('error', (error) => this.fail(`the connection failed (${error.message})`));
    socket.on('close', (code, reason) =>
      this.fail(`the server closed the connection (code ${code}${reason.length > 0 ? `, ${reason.toString()}` : ''})`),
    );
  }

  /** What the server said first. */
  metadata: WireMap = new Map();

  /**
   * Waits for the server's /healthz, connects and reads its metadata.
   * @throws InputError for an address that is none, ValetError when the server does not come up, refuses, or breaks the protocol
   */
  static async connect(url: string, options: RemoteOptions = {}): Promise<RemotePolicy> {
    if (!URL.canParse(url) || !['ws:', 'wss:'].includes(new URL(url).protocol))
      throw new InputError('policy server', `"${url}" is no websocket address (expected ws://HOST:PORT or wss://…).`);
    await waitForHealth(url, options.healthTimeoutMs ?? 60_000);
    const headers = options.apiKey === undefined ? {} : { Authorization: `Api-Key ${options.apiKey}` };
    const socket = new WebSocket(url, {
      perMessageDeflate: false,
      headers,
      maxPayload: 256 << 20,
      handshakeTimeout: 30_000,
    });
    const policy = new RemotePolicy(url, socket, options);
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('open', resolve);
        socket.once('error', () => reject(policy.broken));
      });
      const metadata = policy.decode(await policy.receive());
      if (!(metadata instanceof Map)) throw new ValetError(url, 'the first message is no metadata map.');
      policy.metadata = metadata;
    } catch (error) {
      socket.terminate();
      throw error;
    }
    return policy;
  }

  async reset(): Promise<void> {
    this.check();
    this.note = undefined;
    this.socket.send(packMessage({ reset: true }));
  }

  /** @throws ValetError when the server sends an error, an unusable reply, or nothing in time; the policy is then of no more use */
  async act(observation: Observation): Promise<Float32Array> {
    this.check();
    if (this.busy)
      throw new ValetError(this.url, 'an observation is still waiting for its reply; one connection is one robot.');
    this.busy = true;
    try {
      const { robot, notes = true } = this.options;
      const message = packMessage({
        ...observationToWire(observation, robot),
        ...(notes ? { __policy_note__: true } : {}),
      });
      for (let sent = 0; ; sent++) {
        this.socket.send(message);
        const reply = this.decode(await this.receive());
        if (reply instanceof Map && !reply.has('action') && sent < RESENDS) continue;
        const note = reply instanceof Map ? reply.get('policy_note') : undefined;
        this.note = note instanceof Map ? readNote(note) : undefined;
        return actionFromWire(reply);
      }
    } catch (error) {
      // A reply that comes too late would be taken for the next one.
      this.fail((error as Error).message);
      this.socket.terminate();
      throw error;
    } finally {
      this.busy = false;
    }
  }

  async close(): Promise<void> {
    this.broken ??= new ValetError(this.url, 'the policy was closed.');
    if (this.socket.readyState === this.socket.CLOSED) return;
    const closed = new Promise<void>((resolve) => this.socket.once('close', () => resolve()));
    this.socket.close(1000);
    const timer = setTimeout(() => this.socket.terminate(), 2000);
    await closed;
    clearTimeout(timer);
  }

  private check(): void {
    if (this.broken) throw this.broken;
  }

  private decode({ data, isBinary }: Frame) {
    if (!isBinary) throw new ValetError(this.url, `the server reports: ${data.toString('utf8').trim().slice(0, 2000)}`);
    return unpackMessage(data);
  }

  private receive(): Promise<Frame> {
    const frame = this.frames.shift();
    if (frame) return Promise.resolve(frame);
    if (this.broken) return Promise.reject(this.broken);
    const { replyTimeoutMs = 600_000 } = this.options;
    return new Promise<Frame>((resolve, reject) => {
      const timer = setTimeout(
        () =>
          this.settle((waiting) => waiting.reject(new ValetError(this.url, `no reply within ${replyTimeoutMs} ms.`))),
        replyTimeoutMs,
      );
      this.waiting = {
        resolve: (value) => {
          clearTimeout(timer);
          resolve(value);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
    });
  }

  private settle(how: (waiting: NonNullable<typeof this.waiting>) => void): void {
    const { waiting } = this;
    this.waiting = undefined;
    if (waiting) how(waiting);
  }

  private fail(what: string): void {
    this.broken ??= new ValetError(this.url, what.endsWith('.') ? what : `${what}.`);
    const { broken } = this;
    this.settle((waiting) => waiting.reject(broken));
  }
}

function readNote(note: WireMap): PolicyNote {
  const rule = note.get('rule');
  const reason = note.get('reason');
  const compressed = note.get('compressed');
  return {
    planned: note.get('planned') === true,
    stage: Number(note.get('stage') ?? 0),
    ...(typeof rule === 'string' ? { rule } : {}),
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(typeof compressed === 'boolean' ? { compressed } : {}),
  };
}

async function waitForHealth(url: string, timeoutMs: number): Promise<void> {
  const health = new URL('/healthz', url.replace(/^ws/, 'http'));
  const end = performance.now() + timeoutMs;
  let last = 'no answer';
  for (;;) {
    const left = end - performance.now();
    if (left <= 0) throw new ValetError(url, `the server is not ready after ${timeoutMs} ms (${last}). Is it running?`);
    try {
      const response = await fetch(health, { signal: AbortSignal.timeout(Math.ceil(Math.min(left, 10_000))) });
      await response.arrayBuffer();
      if (response.status === 200) return;
      last = `status ${response.status}`;
    } catch (error) {
      last = ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code ?? (error as Error).message;
    }
    await new Promise((resolve) => setTimeout(resolve, HEALTH_POLL_MS));
  }
}

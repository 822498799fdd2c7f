import { randomBytes } from 'node:crypto';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { InputError, ValetError } from '../../base/index.ts';
import { createSession, SESSION_DEFAULTS, type SessionOptions } from '../../control/index.ts';
import { CHALLENGE_ROBOT, type Picture, type PlanRequest, type Policy, type Prediction } from '../../robot/index.ts';
import { packMessage } from '../../wire/index.ts';
import { createLogger, type Logger } from '../log.ts';
import { BusyError, type Urgency, type UrgentPlanner } from '../planners/index.ts';
import { checkExposure, hasKey, isLoopback, isOwnOrigin } from './access.ts';
import { Connection } from './connection.ts';
import { KeptSessions } from './keptSessions.ts';
import { DEFAULT_LIMITS, type ServerLimits } from './limits.ts';
import { listen, type Tls } from './listen.ts';
import { MessageBuffers } from './messageBuffers.ts';
import { Metrics } from './metrics.ts';
import { aheadSession } from './planAhead.ts';
import { policyResponder } from './policyResponder.ts';
import { RateLimit } from './rateLimit.ts';
import { Readiness } from './readiness.ts';
import { PlanError, Robot, type RobotEvents } from './robot.ts';
import { readSessionQuery, type SessionQuery } from './sessionQuery.ts';
import type { MessageTap, Responder } from './tap.ts';
import { type Upgraded, upgrade } from './upgrade.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Where the plans come from. One of the three. */
interface PlanSource {
  /** The planner for a task; may load one, or throw InputError for a task that no checkpoint covers. */
  readonly plannerFor?: (taskId: number) => UrgentPlanner | Promise<UrgentPlanner>;
  /** A policy of its own for each connection, in place of planner and session. */
  readonly policyFor?: (session: SessionIdentity) => Policy | Promise<Policy>;
  /** Whatever answers the bytes of each connection, in place of planner and session. */
  readonly responderFor?: (session: SessionIdentity) => Responder | Promise<Responder>;
}

/** A session's name in logs and recordings (no secret), and what its client's address asked for. */
export interface SessionIdentity {
  readonly id: string;
  readonly query: Readonly<Record<string, string>>;
}

export interface ServerOptions extends PlanSource {
  /** How each robot's session is set up. */
  readonly sessionOptions?: Partial<SessionOptions>;
  /** Begin a plan while the buffer still holds this many actions; 0, the default: when it is empty. */
  readonly planAhead?: number;
  readonly host?: string;
  /** One port or several; 0 takes a free one. */
  readonly port?: number | readonly number[];
  readonly tls?: Tls | undefined;
  readonly apiKey?: string;
  /** Lets everyone in on an address that other machines can reach, without a key. */
  readonly open?: boolean;
  /** The first message of every connection, and part of /info. */
  readonly metadata?: { readonly [key: string]: Json };
  /** The task of the trial plan that /healthz stands for. */
  readonly probeTask?: number;
  /** Whether the planners can plan now, as far as they know; all is well when left out. */
  readonly isUp?: () => boolean;
  readonly limits?: Partial<ServerLimits>;
  readonly logger?: Logger;
  readonly metrics?: Metrics;
  readonly tap?: MessageTap;
}

const NOT_READY = 'No plan can be made now.\n';
const WRONG_KEY = 'The API key is missing or wrong.\n';

interface Page {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A connection with what it takes to resume its session. */
interface Guest {
  readonly connection: Connection;
  readonly socket: WebSocket;
  readonly name: string;
  readonly robot?: Robot | undefined;
  /** Given when the client asked for a session that can be resumed. */
  readonly resumeId?: string | undefined;
  /** Settles when the session has been kept, or is over. */
  readonly gone: Promise<void>;
}

/**
 * Starts a policy server that speaks the official evaluator's wire (docs/facts.md#protocol). Resolves once it listens; /healthz says OK
 * only while plans can be made, and `ready` settles with the first trial plan. The planners belong to the caller.
 * @throws InputError for an open address without a key, ValetError when a port cannot be had
 */
export async function startServer(options: ServerOptions): Promise<PolicyServer> {
  const { host = '127.0.0.1', port = 0, apiKey, open = false, tls } = options;
  if (!options.plannerFor && !options.policyFor && !options.responderFor)
    throw new InputError('serve', 'needs something to answer with (plannerFor, policyFor or responderFor).');
  checkExposure(host, apiKey, open);
  const https = await listen(host, typeof port === 'number' ? [port] : port, tls);
  return new PolicyServer(https, host, options);
}

export class PolicyServer {
  readonly urls: readonly string[];
  /** The first one. */
  readonly port: number;
  /** Settles with the first trial plan. */
  readonly ready: Promise<void>;
  readonly metrics: Metrics;
  private readonly limits: ServerLimits;
  private readonly log: Logger;
  private readonly readiness: Readiness;
  private readonly sockets: WebSocketServer;
  private readonly buffers = new MessageBuffers();
  private readonly guests = new Map<WebSocket, Guest>();
  private readonly byResumeId = new Map<string, Guest>();
  private readonly kept: KeptSessions;
  private readonly arrivals: RateLimit;
  private readonly sessionOptions: Partial<SessionOptions>;
  private readonly started = Date.now();
  private readonly firstMessage: Uint8Array;
  private sessionCount = 0;
  private closing: Promise<void> | undefined;

  /** Use `startServer`. */
  constructor(
    private readonly listeners: readonly Server[],
    private readonly host: string,
    private readonly options: ServerOptions,
  ) {
    this.limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.log = options.logger ?? createLogger('silent');
    this.metrics = options.metrics ?? new Metrics();
    const { maxConnections, maxConnectionsPerSecond, resumeMs, maxMessageBytes } = this.limits;
    const { metrics } = this;
    this.kept = new KeptSessions(resumeMs, maxConnections, (count) => metrics.sessionsKept.set(count));
    this.arrivals = new RateLimit(maxConnectionsPerSecond);
    const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
    const ports = listeners.map((listener) => (listener.address() as AddressInfo).port);
    this.port = ports[0]!;
    this.urls = ports.map((port) => `${options.tls ? 'wss' : 'ws'}://${name}:${port}`);
    this.firstMessage = packMessage(options.metadata ?? {});
    this.sessionOptions = sessionSettings(options);
    this.readiness = new Readiness(() => this.trialPlan());
    this.ready = this.readiness.first;
    this.ready.catch((error: Error) => this.log.error({ err: error }, 'no plan can be made'));
    this.sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: maxMessageBytes });
    for (const listener of listeners) {
      listener.maxConnections = maxConnections + 64; // room for /healthz beside the robots
      listener.on('error', (error) => this.log.error({ err: error }, 'server error'));
      listener.on('request', (request, response) => void this.answerHttp(request, response));
      listener.on('upgrade', (request, socket, head) => this.answerUpgrade(request, socket, head));
    }
  }

  /** Robots connected now. */
  get connections(): number {
    return this.guests.size;
  }

  /** Refuses what is new, lets replies under way go out, ends every connection. */
  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  private async shutDown(): Promise<void> {
    const closed = this.listeners.map((listener) => new Promise<void>((resolve) => listener.close(() => resolve())));
    const open = [...this.guests.values()];
    for (const { connection } of open) connection.stop();
    await Promise.race([Promise.all(open.map(({ connection }) => connection.idle())), delay(this.limits.closeMs)]);
    for (const { connection } of open) connection.end(1001, 'the server shuts down');
    const ends = open.map(
      ({ socket }) =>
        new Promise<void>((resolve) =>
          socket.readyState === socket.CLOSED ? resolve() : socket.once('close', () => resolve()),
        ),
    );
    await Promise.race([Promise.all(ends), delay(1000)]);
    for (const { socket } of open) socket.terminate();
    this.kept.clear();
    this.sockets.close();
    for (const listener of this.listeners) listener.closeAllConnections();
    await Promise.all(closed);
    this.log.info('closed');
  }

  private get isReady(): boolean {
    return this.readiness.isReady && !this.closing && (this.options.isUp?.() ?? true);
  }

  private async answerHttp(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, body, headers } = await this.page(request).catch((error: Error): Page => {
      this.log.error({ err: error }, 'request failed');
      return { status: 500, body: 'Internal error.\n' };
    });
    response.writeHead(status, {
      'Content-Type': 'text/plain; charset=utf-8',
      'Content-Length': Buffer.byteLength(body),
      'X-Content-Type-Options': 'nosniff',
      ...headers,
    });
    response.end(request.method === 'HEAD' ? undefined : body);
  }

  private async page(request: IncomingMessage): Promise<Page> {
    const path = (request.url ?? '/').split('?', 1)[0]!;
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return { status: 405, body: 'Method not allowed.\n', headers: { Allow: 'GET, HEAD' } };
    if (path === '/healthz') {
      this.readiness.retry();
      return this.isReady ? { status: 200, body: 'OK\n' } : { status: 503, body: NOT_READY };
    }
    if (path !== '/info' && path !== '/metrics')
      return { status: 426, body: 'This is a policy server: open a websocket.\n', headers: { Upgrade: 'websocket' } };
    if (!hasKey(request, this.options.apiKey))
      return { status: 401, body: WRONG_KEY, headers: { 'WWW-Authenticate': 'Api-Key' } };
    if (path === '/info') {
      const headers = { 'Content-Type': 'application/json; charset=utf-8' };
      return { status: 200, body: `${JSON.stringify(this.info())}\n`, headers };
    }
    this.metrics.ready.set(this.isReady ? 1 : 0);
    const { registry } = this.metrics;
    return { status: 200, body: await registry.metrics(), headers: { 'Content-Type': registry.contentType } };
  }

  private info(): Json {
    return {
      name: 'valet',
      ready: this.isReady,
      connections: this.guests.size,
      ports: this.listeners.map((listener) => (listener.address() as AddressInfo | null)?.port ?? 0),
      limits: { ...this.limits },
      // Also by the names of earlier versions.
      maxConnections: this.limits.maxConnections,
      maxMessageBytes: this.limits.maxMessageBytes,
      uptimeSeconds: Math.round((Date.now() - this.started) / 1000),
      metadata: this.options.metadata ?? {},
    };
  }

  private answerUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => undefined);
    let query: SessionQuery | undefined;
    let refusal = this.refusal(request);
    try {
      query = readSessionQuery(request.url);
    } catch (error) {
      refusal ??= { status: '400 Bad Request', reason: 'address', body: `${(error as Error).message}\n` };
    }
    if (!refusal && query) {
      const asked = query;
      const from = request.socket.remoteAddress;
      const settings = { buffers: this.buffers, maxMessageBytes: this.limits.maxMessageBytes };
      upgrade(this.sockets, request, socket, head, settings, (client) => void this.welcome(client, from, asked));
      return;
    }
    const { status, reason, body } = refusal!;
    this.metrics.refused.inc({ reason });
    this.log.warn({ reason, from: request.socket.remoteAddress }, 'connection refused');
    const headers = `Connection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}`;
    socket.end(`HTTP/1.1 ${status}\r\n${headers}\r\n\r\n${body}`);
  }

  private refusal(request: IncomingMessage): { status: string; reason: string; body: string } | undefined {
    if (!hasKey(request, this.options.apiKey)) return { status: '401 Unauthorized', reason: 'key', body: WRONG_KEY };
    if (!isOwnOrigin(request, isLoopback(this.host)))
      return { status: '403 Forbidden', reason: 'origin', body: 'Pages of other sites may not connect.\n' };
    if (!this.isReady) {
      this.readiness.retry();
      return { status: '503 Service Unavailable', reason: 'not ready', body: NOT_READY };
    }
    if (this.guests.size >= this.limits.maxConnections)
      return { status: '503 Service Unavailable', reason: 'full', body: 'Too many connections.\n' };
    if (!this.arrivals.passes())
      return { status: '429 Too Many Requests', reason: 'rate', body: 'Too many connections a second.\n' };
    return undefined;
  }

  private async welcome(client: Upgraded, from: string | undefined, query: SessionQuery): Promise<void> {
    const { metrics, options } = this;
    const { socket } = client;
    socket.pause(); // until somebody listens
    socket.on('error', () => undefined);
    const before = query.resume === undefined ? undefined : await this.reclaim(query.resume);
    const name = before?.name ?? `${++this.sessionCount}-${randomName()}`;
    const log = this.log.child({ session: name });
    const identity = { id: name, query: query.rest };
    let responder: Responder;
    let robot: Robot | undefined;
    try {
      if (options.responderFor) responder = await options.responderFor(identity);
      else if (options.policyFor) responder = policyResponder(await options.policyFor(identity), this.unpackLimits);
      else {
        robot = this.robot(before?.seed ?? query.seed, log);
        if (before) robot.restore(before.snapshot, query.received);
        responder = robot;
      }
    } catch (error) {
      log.error({ err: error }, 'no session could be set up');
      socket.close(1011, 'no session could be set up');
      return;
    }
    if (socket.readyState !== socket.OPEN) return void responder.close?.();
    const resumeId = robot && query.resume !== undefined ? (before?.id ?? KeptSessions.newId()) : undefined;
    const { limits } = this;
    const connection = new Connection({ id: name, client, responder, limits, metrics, log, tap: options.tap });
    const gone = new Promise<void>((resolve) => {
      socket.on('close', (code) => {
        this.guests.delete(socket);
        metrics.connections.set(this.guests.size);
        log.info({ code }, 'robot left');
        options.tap?.onClose?.(name, query.rest);
        void this.keep(guest, before?.seed ?? query.seed).finally(resolve);
      });
    });
    const guest: Guest = { connection, socket, name, robot, resumeId, gone };
    this.guests.set(socket, guest);
    if (resumeId !== undefined) this.byResumeId.set(resumeId, guest);
    metrics.connections.set(this.guests.size);
    metrics.connectionsTotal.inc();
    if (before) metrics.resumed.inc();
    log.info({ from, resumed: before !== undefined }, 'robot connected');
    options.tap?.onOpen?.(name, query.rest);
    const told = resumeId !== undefined && {
      session: resumeId,
      resumed: before !== undefined,
      replies: robot!.replies,
    };
    connection.send(told ? packMessage({ ...options.metadata, ...told }) : (responder.greeting ?? this.firstMessage));
    socket.resume();
  }

  /** What is kept of a session, taken from a connection that still seems to live if need be. */
  private async reclaim(id: string) {
    const holder = this.byResumeId.get(id);
    if (holder) {
      holder.connection.end(1008, 'resumed elsewhere');
      setTimeout(() => holder.socket.terminate(), 500).unref();
      await holder.gone;
    }
    const session = this.kept.take(id);
    return session && { ...session, id };
  }

  /** Keeps the session of a lost connection when its client asked for that. */
  private async keep({ connection, robot, resumeId, name }: Guest, seed: string | undefined): Promise<void> {
    await connection.idle();
    if (resumeId !== undefined) this.byResumeId.delete(resumeId);
    if (robot && resumeId !== undefined && !this.closing)
      this.kept.keep(resumeId, { name, seed, snapshot: robot.snapshot() });
    await connection.closeResponder();
  }

  private get unpackLimits() {
    const { maxValues, maxDepth, maxArrayBytes } = this.limits;
    return { maxValues, maxDepth, maxArrayBytes };
  }

  private robot(seed: string | undefined, log: Logger): Robot {
    const { metrics } = this;
    const newSession = () => createSession({ ...this.sessionOptions, ...(seed !== undefined && { seed }) });
    const events: RobotEvents = {
      onReset: () => metrics.resets.inc(),
      onReply: (ms, { planned }) => {
        metrics.observations.inc();
        metrics.replySeconds.observe({ planned: planned ? 'yes' : 'no' }, ms / 1000);
      },
      onRule: (rule, reason) => {
        metrics.rules.inc({ rule });
        log.info({ rule, reason }, 'rule fired');
      },
      onStage: (stage, before) => {
        metrics.stageChanges.inc();
        log.debug({ stage, before }, 'stage changed');
      },
      onUnsafe: (what) => {
        metrics.unsafe.inc({ what });
        log.error({ what }, 'not finite; the last safe action is sent instead');
        this.readiness.doubt();
      },
      onAhead: (outcome) => metrics.ahead.inc({ outcome }),
    };
    return new Robot({
      session: newSession(),
      plan: (request, urgency) => this.plan(request, urgency),
      unpack: this.unpackLimits,
      planAhead: this.options.planAhead ?? 0,
      newSession,
      events,
    });
  }

  /** One plan, in time. A planner's failure comes back as PlanError and closes /healthz until a trial plan works again. */
  private async plan(request: PlanRequest, urgency?: Urgency): Promise<Prediction> {
    const planner = await this.plannerFor(request.taskId);
    const stop = this.metrics.planSeconds.startTimer({ part: 'total' });
    const { planTimeoutMs } = this.limits;
    const late = new AbortController();
    const signal = urgency?.signal ? AbortSignal.any([urgency.signal, late.signal]) : late.signal;
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new ValetError('plan', `took longer than ${planTimeoutMs} ms.`));
        late.abort(); // it leaves the queue, if it still waits there
      }, planTimeoutMs);
    });
    try {
      const plan = planner.plan([request], { ...urgency, signal });
      plan.catch(() => undefined);
      const [prediction] = await Promise.race([plan, tooLate]);
      if (!prediction) throw new ValetError('plan', 'the planner gave none.');
      return prediction;
    } catch (error) {
      // The planner refused the request: the client's doing, and no sign of ill health.
      if (error instanceof ValetError && (error.kind === 'input' || error instanceof BusyError)) throw error;
      if (!urgency?.signal?.aborted) this.readiness.failed();
      throw new PlanError('plan', (error as Error).message, 'failure', { cause: error });
    } finally {
      clearTimeout(timer);
      stop();
    }
  }

  private async plannerFor(taskId: number): Promise<UrgentPlanner> {
    try {
      return await this.options.plannerFor!(taskId);
    } catch (error) {
      if (error instanceof ValetError && error.kind === 'input') throw error;
      throw new PlanError('plan', (error as Error).message, 'failure', { cause: error });
    }
  }

  /** A plan for a black picture and a robot at zero. */
  private async trialPlan(): Promise<void> {
    if (!this.options.plannerFor) return;
    const taskId = this.options.probeTask ?? 0;
    await tryPlanner(await this.plannerFor(taskId), taskId, (request) => this.plan(request));
  }
}

/** Makes a plan for black pictures and a robot at zero. @throws when that fails or is not finite */
export async function tryPlanner(
  planner: UrgentPlanner,
  taskId: number,
  plan: (request: PlanRequest) => Promise<Prediction> = async (request) => (await planner.plan([request]))[0]!,
): Promise<void> {
  const side = planner.imageSize;
  const black: Picture = { width: side, height: side, channels: 3, data: new Uint8Array(side * side * 3) };
  const pictures = Object.fromEntries(
    CHALLENGE_ROBOT.cameraNames.map((camera) => [camera, black]),
  ) as PlanRequest['pictures'];
  const { actions } = await plan({ taskId, stage: 0, state: new Float32Array(23), pictures, seed: 'trial' });
  if (!actions.every(Number.isFinite)) throw new PlanError('trial plan', 'holds numbers that are not finite.');
}

/** The sessions' options; with planning ahead, plans are executed less far, so that the early rows fit the horizon. */
function sessionSettings({ sessionOptions = {}, planAhead = 0 }: ServerOptions): Partial<SessionOptions> {
  if (planAhead <= 0) return sessionOptions;
  const { executeActions, executeSteps, keepActions } = { ...SESSION_DEFAULTS, ...sessionOptions };
  const horizon = executeActions + keepActions;
  return { ...sessionOptions, ...aheadSession(planAhead, { horizon, executeActions, executeSteps, keepActions }) };
}

const randomName = () => randomBytes(3).toString('hex');

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

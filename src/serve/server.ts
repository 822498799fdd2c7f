import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { CAMERAS, type Picture } from '../action/observation.ts';
import { ValetError } from '../base/index.ts';
import { createSession, type SessionOptions } from '../control/index.ts';
import type { Planner, PlanRequest, Prediction } from '../model/plan.ts';
import { checkExposure, hasKey, isLoopback, isOwnOrigin } from './access.ts';
import { Connection } from './connection.ts';
import { createLogger, type Logger } from './log.ts';
import { Metrics } from './metrics.ts';
import { packMessage } from './pack.ts';
import { Readiness } from './readiness.ts';
import { PlanError, Robot } from './robot.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export interface ServerLimits {
  readonly maxConnections: number;
  /** Bytes of one message. A full-resolution observation with depth and segmentation is about 13 MB. */
  readonly maxMessageBytes: number;
  /** Messages of one connection that may wait for their turn. */
  readonly maxQueuedMessages: number;
  /** The official client gives a query 600 s. */
  readonly planTimeoutMs: number;
  /** How long closing waits for replies under way. */
  readonly closeMs: number;
}

export interface ServerOptions {
  /** The planner for a task; may load one, or throw InputError for a task that no checkpoint covers. */
  readonly plannerFor: (taskId: number) => Planner | Promise<Planner>;
  /** How each robot's session is set up. */
  readonly sessionOptions?: Partial<SessionOptions>;
  readonly host?: string;
  /** 0 takes a free one. */
  readonly port?: number;
  readonly apiKey?: string;
  /** Lets everyone in on an address that other machines can reach, without a key. */
  readonly open?: boolean;
  /** The first message of every connection, and part of /info. */
  readonly metadata?: { readonly [key: string]: Json };
  /** The task of the trial plan that /healthz stands for. */
  readonly probeTask?: number;
  readonly limits?: Partial<ServerLimits>;
  readonly logger?: Logger;
}

const LIMITS: ServerLimits = {
  maxConnections: 64,
  maxMessageBytes: 64 << 20,
  maxQueuedMessages: 64,
  planTimeoutMs: 300_000,
  closeMs: 5_000,
};

const NOT_READY = 'No plan can be made now.\n';
const WRONG_KEY = 'The API key is missing or wrong.\n';

interface Page {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Starts a policy server that speaks the official evaluator's wire (FACTS 2.5). Resolves once it listens; /healthz says OK
 * only while plans can be made, and `ready` settles with the first trial plan. The planners belong to the caller.
 * @throws InputError for an open address without a key, ValetError when the port cannot be had
 */
export async function startServer(options: ServerOptions): Promise<PolicyServer> {
  const { host = '127.0.0.1', port = 0, apiKey, open = false } = options;
  checkExposure(host, apiKey, open);
  const http = createServer();
  await new Promise<void>((resolve, reject) => {
    http.once('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE'
          ? 'the port is taken. Choose another, or 0 for a free one'
          : (error.code ?? error.message);
      reject(new ValetError('serve', `cannot listen on ${host}:${port}: ${why}.`, 'failure', { cause: error }));
    });
    http.listen(port, host, resolve);
  });
  return new PolicyServer(http, host, options);
}

export class PolicyServer {
  readonly urls: readonly string[];
  readonly port: number;
  /** Settles with the first trial plan. */
  readonly ready: Promise<void>;
  private readonly limits: ServerLimits;
  private readonly log: Logger;
  private readonly metrics = new Metrics();
  private readonly readiness: Readiness;
  private readonly sockets: WebSocketServer;
  private readonly connections = new Map<WebSocket, Connection>();
  private readonly started = Date.now();
  private readonly firstMessage: Uint8Array;
  private connectionCount = 0;
  private closing: Promise<void> | undefined;

  /** Use `startServer`. */
  constructor(
    private readonly http: Server,
    private readonly host: string,
    private readonly options: ServerOptions,
  ) {
    this.limits = { ...LIMITS, ...options.limits };
    this.log = options.logger ?? createLogger('silent');
    this.port = (http.address() as AddressInfo).port;
    this.urls = [`ws://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${this.port}`];
    this.firstMessage = packMessage(options.metadata ?? {});
    this.readiness = new Readiness(() => this.trialPlan());
    this.ready = this.readiness.first;
    this.ready.catch((error: Error) => this.log.error({ err: error }, 'no plan can be made'));
    this.sockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: this.limits.maxMessageBytes,
    });
    http.on('error', (error) => this.log.error({ err: error }, 'server error'));
    http.on('request', (request, response) => void this.answerHttp(request, response));
    http.on('upgrade', (request, socket, head) => this.upgrade(request, socket, head));
  }

  /** Refuses what is new, lets replies under way go out, ends every connection. */
  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  private async shutDown(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.http.close(() => resolve()));
    const open = [...this.connections];
    for (const [, connection] of open) connection.stop();
    await Promise.race([Promise.all(open.map(([, connection]) => connection.idle())), delay(this.limits.closeMs)]);
    for (const [socket] of open) socket.close(1001, 'the server shuts down');
    const ends = open.map(
      ([socket]) =>
        new Promise<void>((resolve) =>
          socket.readyState === socket.CLOSED ? resolve() : socket.once('close', () => resolve()),
        ),
    );
    await Promise.race([Promise.all(ends), delay(1000)]);
    for (const [socket] of open) socket.terminate();
    this.sockets.close();
    this.http.closeAllConnections();
    await closed;
    this.log.info('closed');
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
      if (this.readiness.isReady && !this.closing) return { status: 200, body: 'OK\n' };
      return { status: 503, body: NOT_READY };
    }
    if (path !== '/info' && path !== '/metrics')
      return { status: 426, body: 'This is a policy server: open a websocket.\n', headers: { Upgrade: 'websocket' } };
    if (!hasKey(request, this.options.apiKey))
      return { status: 401, body: WRONG_KEY, headers: { 'WWW-Authenticate': 'Api-Key' } };
    if (path === '/info') {
      const headers = { 'Content-Type': 'application/json; charset=utf-8' };
      return { status: 200, body: `${JSON.stringify(this.info())}\n`, headers };
    }
    const { registry } = this.metrics;
    return { status: 200, body: await registry.metrics(), headers: { 'Content-Type': registry.contentType } };
  }

  private info(): Json {
    return {
      name: 'valet',
      ready: this.readiness.isReady,
      connections: this.connections.size,
      maxConnections: this.limits.maxConnections,
      maxMessageBytes: this.limits.maxMessageBytes,
      uptimeSeconds: Math.round((Date.now() - this.started) / 1000),
      metadata: this.options.metadata ?? {},
    };
  }

  private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const refusal = this.refusal(request);
    if (!refusal) {
      this.sockets.handleUpgrade(request, socket, head, (webSocket) => this.welcome(webSocket, request));
      return;
    }
    const { status, reason, body } = refusal;
    this.metrics.refused.inc({ reason });
    this.log.warn({ reason, from: request.socket.remoteAddress }, 'connection refused');
    socket.on('error', () => undefined);
    const headers = `Connection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}`;
    socket.end(`HTTP/1.1 ${status}\r\n${headers}\r\n\r\n${body}`);
  }

  private refusal(request: IncomingMessage): { status: string; reason: string; body: string } | undefined {
    if (!hasKey(request, this.options.apiKey)) return { status: '401 Unauthorized', reason: 'key', body: WRONG_KEY };
    if (!isOwnOrigin(request, isLoopback(this.host)))
      return { status: '403 Forbidden', reason: 'origin', body: 'Pages of other sites may not connect.\n' };
    if (this.closing || !this.readiness.isReady) {
      this.readiness.retry();
      return { status: '503 Service Unavailable', reason: 'not ready', body: NOT_READY };
    }
    if (this.connections.size >= this.limits.maxConnections)
      return { status: '503 Service Unavailable', reason: 'full', body: 'Too many connections.\n' };
    return undefined;
  }

  private welcome(socket: WebSocket, request: IncomingMessage): void {
    const number = ++this.connectionCount;
    const log = this.log.child({ connection: number });
    const robot = new Robot(createSession(this.options.sessionOptions), (planRequest) => this.plan(planRequest));
    const { maxQueuedMessages, maxMessageBytes } = this.limits;
    const limits = { maxQueuedMessages, maxQueuedBytes: maxMessageBytes };
    this.connections.set(socket, new Connection(socket, robot, limits, this.metrics, log));
    this.metrics.connections.set(this.connections.size);
    this.metrics.connectionsTotal.inc();
    log.info({ from: request.socket.remoteAddress }, 'robot connected');
    socket.on('close', (code) => {
      this.connections.delete(socket);
      this.metrics.connections.set(this.connections.size);
      log.info({ code }, 'robot left');
    });
    socket.send(this.firstMessage);
  }

  /** One plan, in time. A planner's failure comes back as PlanError and closes /healthz until a trial plan works again. */
  private async plan(request: PlanRequest): Promise<Prediction> {
    const planner = await this.options.plannerFor(request.taskId);
    const stop = this.metrics.planSeconds.startTimer();
    const { planTimeoutMs } = this.limits;
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new ValetError('plan', `took longer than ${planTimeoutMs} ms.`)), planTimeoutMs);
    });
    try {
      const [prediction] = await Promise.race([planner.plan([request]), tooLate]);
      if (!prediction) throw new ValetError('plan', 'the planner gave none.');
      return prediction;
    } catch (error) {
      // The planner refused the request: the client's doing, and no sign of ill health.
      if (error instanceof ValetError && error.kind === 'input') throw error;
      this.readiness.failed();
      throw new PlanError('plan', (error as Error).message, 'failure', { cause: error });
    } finally {
      clearTimeout(timer);
      stop();
    }
  }

  /** A plan for a black picture and a robot at zero. */
  private async trialPlan(): Promise<void> {
    const taskId = this.options.probeTask ?? 0;
    const { imageSize } = await this.options.plannerFor(taskId);
    const black: Picture = {
      width: imageSize,
      height: imageSize,
      channels: 3,
      data: new Uint8Array(imageSize * imageSize * 3),
    };
    const pictures = Object.fromEntries(CAMERAS.map((camera) => [camera, black])) as PlanRequest['pictures'];
    const { actions } = await this.plan({ taskId, stage: 0, state: new Float32Array(23), pictures, seed: 'trial' });
    if (!actions.every(Number.isFinite)) throw new PlanError('trial plan', 'holds numbers that are not finite.');
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

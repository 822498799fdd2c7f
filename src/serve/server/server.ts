import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InputError } from '../../base/index.ts';
import { CHALLENGE_ROBOT, type Robot } from '../../robot/index.ts';
import { createLogger, type Logger } from '../log.ts';
import { checkExposure, isLoopback, parseOrigin } from './access.ts';
import { Admission } from './admission.ts';
import { ConnectedSessions } from './connectedSessions.ts';
import { Conversations } from './conversations.ts';
import { DEFAULT_LIMITS, type ServerLimits } from './limits.ts';
import { listen } from './listen.ts';
import { Metrics } from './metrics.ts';
import { Pages } from './pages.ts';
import { PlanGateway } from './planGateway.ts';
import { parsePrefix } from './requestPath.ts';
import type { Json, ServerOptions } from './serverOptions.ts';

/**
 * Starts a policy server that speaks the official evaluator's wire (docs/facts.md#protocol). Resolves once it listens;
 * /healthz says OK only while plans can be made, and `ready` settles with the first trial plan. The planners belong to
 * the caller.
 * @throws InputError for an open address without a key, ValetError when a port cannot be had
 */
export async function startServer(options: ServerOptions): Promise<PolicyServer> {
  const { host = '127.0.0.1', port = 0, apiKey, open = false, tls } = options;
  if (!options.plannerFor && !options.policyFor && !options.responderFor)
    throw new InputError('serve', 'needs something to answer with (plannerFor, policyFor or responderFor).');
  checkExposure(host, apiKey, open);
  warnOfExposure(options, host);
  const listeners = await listen(host, typeof port === 'number' ? [port] : port, tls);
  return new PolicyServer(listeners, host, options);
}

/** A running policy server: pages, admission, sessions and the plan gateway behind one or several ports. */
export class PolicyServer {
  readonly urls: readonly string[];
  /** The first one. */
  readonly port: number;
  /** Settles with the first trial plan; at once where none is needed. */
  readonly ready: Promise<void>;
  readonly metrics: Metrics;
  private readonly limits: ServerLimits;
  private readonly log: Logger;
  private readonly gateway: PlanGateway | undefined;
  /** A policy says nothing of its robot: the caller does, or it is the challenge's. */
  private readonly policyRobot: Robot;
  private readonly sessions: ConnectedSessions;
  private readonly admission: Admission;
  private readonly started = Date.now();
  private closing: Promise<void> | undefined;

  /** Use `startServer`. */
  constructor(
    private readonly listeners: readonly Server[],
    host: string,
    private readonly options: ServerOptions,
  ) {
    const { apiKey, metadata = {}, observer, responderFor, policyFor, plannerFor, robot, probeTask = 0 } = options;
    const allowOrigins = options.allowOrigins?.map(parseOrigin);
    const prefix = parsePrefix(options.prefix ?? '');
    const limits: ServerLimits = { ...DEFAULT_LIMITS, ...options.limits };
    const log = options.logger ?? createLogger('silent');
    const metrics = options.metrics ?? new Metrics();
    const ports = listeners.map(portOf);
    const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
    this.urls = ports.map((port) => `${options.tls ? 'wss' : 'ws'}://${name}:${port}`);
    [this.port = 0] = ports;
    [this.limits, this.log, this.metrics] = [limits, log, metrics];
    const { planTimeoutMs } = limits;
    this.gateway =
      responderFor || policyFor || !plannerFor
        ? undefined
        : new PlanGateway({ plannerFor, robot, probeTask, planTimeoutMs, metrics });
    this.ready = this.gateway?.readiness.first ?? Promise.resolve();
    this.ready.catch((error: Error) => log.error({ err: error }, 'no plan can be made'));
    this.policyRobot = robot ?? CHALLENGE_ROBOT;
    const { gateway, policyRobot } = this;
    const conversations = new Conversations({ server: options, limits, gateway, policyRobot, metrics, log });
    this.sessions = new ConnectedSessions({ conversations, metadata, observer, limits, metrics, log });
    const isReady = () => this.isReady;
    const isOpen = () => this.isOpen;
    const retry = () => this.gateway?.readiness.retry();
    const pages = new Pages({ apiKey, prefix, metrics, log, isReady, retry, info: () => this.info() });
    this.admission = new Admission({
      ...{ apiKey, host, allowOrigins, limits, metrics, log, isOpen, retry },
      connections: () => this.connections,
      welcome: (arrival) => this.sessions.welcome(arrival),
    });
    for (const listener of listeners) {
      listener.maxConnections = limits.maxConnections + 64; // room for /healthz beside the robots
      listener.on('error', (error) => log.error({ err: error }, 'server error'));
      listener.on('request', (request, response) => void pages.answer(request, response));
      listener.on('upgrade', (request, socket, head) => this.admission.answer(request, socket, head));
    }
  }

  /** Connections now. */
  get connections(): number {
    return this.sessions.count;
  }

  /** Robots connected now: a connection may be of several. */
  get robots(): number {
    return this.sessions.robots;
  }

  /** The robot that is served. @throws ValetError before the first trial plan, if nobody said it */
  get robot(): Robot {
    return this.gateway?.robot ?? this.policyRobot;
  }

  /** Refuses what is new, lets replies under way go out, ends every connection. */
  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  private async shutDown(): Promise<void> {
    this.gateway?.readiness.close();
    const closed = this.listeners.map((listener) => new Promise<void>((resolve) => listener.close(() => resolve())));
    await this.sessions.close(this.limits.closeMs);
    this.admission.close();
    for (const listener of this.listeners) listener.closeAllConnections();
    await Promise.all(closed);
    this.log.info('closed');
  }

  /**
   * From the first plan on robots are let in, whatever failed since: they wait for a worker, or are told that no plan
   * could be made. Most clients take a refusal for the end.
   */
  private get isOpen(): boolean {
    return (this.gateway?.readiness.wasReady ?? true) && !this.closing;
  }

  /** A plan can be made now. */
  private get isReady(): boolean {
    return (this.gateway?.readiness.isReady ?? true) && !this.closing && (this.options.isUp?.() ?? true);
  }

  private info(): Json {
    return {
      name: 'valet',
      ready: this.isReady,
      connections: this.connections,
      robots: this.robots,
      ports: this.listeners.map(portOf),
      limits: { ...this.limits },
      uptimeSeconds: Math.round((Date.now() - this.started) / 1000),
      metadata: this.options.metadata ?? {},
    };
  }
}

function warnOfExposure({ logger, apiKey, tls }: ServerOptions, host: string): void {
  if (isLoopback(host)) return;
  if (apiKey === undefined) logger?.warn({ host }, 'anybody who reaches this address may drive robots');
  else if (!tls) logger?.warn({ host }, 'the key and all pictures travel unencrypted; see --tls-cert');
}

const portOf = (listener: Server): number => (listener.address() as AddressInfo | null)?.port ?? 0;

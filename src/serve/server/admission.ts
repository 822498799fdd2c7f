import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { Logger } from '../log.ts';
import { hasKey, isLoopback, isOwnOrigin } from './access.ts';
import { type ClientPlace, placeOf } from './clientPlace.ts';
import type { ServerLimits } from './limits.ts';
import { MessageBuffers } from './messageBuffers.ts';
import type { Metrics } from './metrics.ts';
import { NOT_READY, WRONG_KEY } from './pages.ts';
import { RateLimit } from './rateLimit.ts';
import { readSessionQuery, type SessionQuery } from './sessionQuery.ts';
import { type Upgraded, upgrade } from './upgrade.ts';

export interface AdmissionOptions {
  readonly apiKey: string | undefined;
  /** What the server listens on. */
  readonly host: string;
  /** Origins of pages that may connect beside the server's own. */
  readonly allowOrigins: readonly string[] | undefined;
  readonly limits: ServerLimits;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Whether robots are let in; they may have to wait for their plans. */
  readonly isOpen: () => boolean;
  /** Somebody wanted in while the server was not open. */
  readonly retry: () => void;
  readonly connections: () => number;
  readonly welcome: (arrival: Arrival) => void;
}

/** A client that was let in. */
export interface Arrival {
  readonly client: Upgraded;
  readonly place: ClientPlace;
  readonly query: SessionQuery;
}

interface Refusal {
  readonly status: string;
  readonly reason: string;
  readonly body: string;
}

/**
 * Who may connect: keys, origins, limits and rates; answers requests for a websocket with one, or with a refusal that
 * says why.
 */
export class Admission {
  private readonly sockets: WebSocketServer;
  private readonly buffers = new MessageBuffers();
  private readonly arrivals: RateLimit;

  constructor(private readonly options: AdmissionOptions) {
    const { maxMessageBytes, maxConnectionsPerSecond } = options.limits;
    this.sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: maxMessageBytes });
    this.arrivals = new RateLimit(maxConnectionsPerSecond);
  }

  answer(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => undefined);
    const asked = this.refusal(request) ?? readQuery(request);
    if ('rest' in asked) {
      const settings = { buffers: this.buffers, maxMessageBytes: this.options.limits.maxMessageBytes };
      const { welcome } = this.options;
      const place = placeOf(request, asked);
      upgrade(this.sockets, request, socket, head, settings, (client) => welcome({ client, place, query: asked }));
      return;
    }
    const { status, reason, body } = asked;
    this.options.metrics.refused.inc({ reason });
    this.options.log.warn({ reason, from: request.socket.remoteAddress }, 'connection refused');
    const length = Buffer.byteLength(body);
    const headers = `Connection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${length}`;
    socket.end(`HTTP/1.1 ${status}\r\n${headers}\r\n\r\n${body}`);
  }

  close(): void {
    this.sockets.close();
  }

  private refusal(request: IncomingMessage): Refusal | undefined {
    const { apiKey, host, allowOrigins, limits, isOpen, retry, connections } = this.options;
    if (!hasKey(request, apiKey)) return { status: '401 Unauthorized', reason: 'key', body: WRONG_KEY };
    if (!isOwnOrigin(request, isLoopback(host), allowOrigins))
      return {
        status: '403 Forbidden',
        reason: 'origin',
        body: 'Pages of other sites may not connect (the server can allow them: --allow-origin).\n',
      };
    if (!isOpen()) {
      retry();
      return { status: '503 Service Unavailable', reason: 'not ready', body: NOT_READY };
    }
    if (connections() >= limits.maxConnections)
      return { status: '503 Service Unavailable', reason: 'full', body: 'Too many connections.\n' };
    if (!this.arrivals.passes())
      return { status: '429 Too Many Requests', reason: 'rate', body: 'Too many connections a second.\n' };
    return undefined;
  }
}

function readQuery({ url }: IncomingMessage): SessionQuery | Refusal {
  try {
    return readSessionQuery(url);
  } catch (error) {
    return { status: '400 Bad Request', reason: 'address', body: `${(error as Error).message}\n` };
  }
}

import { randomBytes } from 'node:crypto';
import type { WebSocket } from 'ws';
import { packMessage } from '../../wire/index.ts';
import type { Logger } from '../log.ts';
import { Connection } from './connection.ts';
import type { Conversation, Conversations, Resumable } from './conversations.ts';
import { KeptSessions } from './keptSessions.ts';
import type { ServerLimits } from './limits.ts';
import type { Metrics } from './metrics.ts';
import type { Json, ServerOptions } from './serverOptions.ts';
import type { SessionQuery } from './sessionQuery.ts';
import type { Upgraded } from './upgrade.ts';

/** A connection with what it takes to resume its session. */
interface ConnectedClient {
  readonly connection: Connection;
  readonly socket: WebSocket;
  readonly name: string;
  readonly seed: string | undefined;
  readonly resumable?: Resumable | undefined;
  /** Given when the client asked for a session that can be resumed. */
  readonly resumeId?: string | undefined;
  /** Settles when the session has been kept, or is over. */
  readonly gone: Promise<void>;
}

export interface ConnectedSessionsOptions {
  readonly conversations: Conversations;
  readonly metadata: { readonly [key: string]: Json };
  readonly observer: ServerOptions['observer'];
  readonly limits: ServerLimits;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/**
 * Who is connected: welcomes clients, gives each its session, and keeps the sessions of lost connections for clients
 * that asked for that.
 */
export class ConnectedSessions {
  private readonly clients = new Map<WebSocket, ConnectedClient>();
  private readonly byResumeId = new Map<string, ConnectedClient>();
  private readonly kept: KeptSessions;
  private readonly firstMessage: Uint8Array;
  private sessionCount = 0;
  private closing = false;

  constructor(private readonly options: ConnectedSessionsOptions) {
    const { limits, metrics, metadata } = options;
    this.kept = new KeptSessions(limits.resumeMs, limits.maxConnections, (count) => metrics.sessionsKept.set(count));
    this.firstMessage = packMessage(metadata);
  }

  /** Robots connected now. */
  get count(): number {
    return this.clients.size;
  }

  /** Takes a new connection in: sets its session up, says the metadata, and listens. */
  async welcome(client: Upgraded, from: string | undefined, query: SessionQuery): Promise<void> {
    const { socket } = client;
    socket.pause(); // until somebody listens
    socket.on('error', () => undefined);
    const before = query.resume === undefined ? undefined : await this.reclaim(query.resume);
    const name = before?.name ?? `${++this.sessionCount}-${randomBytes(3).toString('hex')}`;
    const seed = before?.seed ?? query.seed;
    const log = this.options.log.child({ session: name });
    let conversation: Conversation;
    try {
      conversation = await this.options.conversations.open(
        { id: name, query: query.rest },
        { log, seed, resumption: before && { state: before.state, received: query.received } },
      );
    } catch (error) {
      log.error({ err: error }, 'no session could be set up');
      socket.close(1011, 'no session could be set up');
      return;
    }
    const { responder, resumable } = conversation;
    if (socket.readyState !== socket.OPEN) return void responder.close?.();
    const wanted = resumable && query.resume !== undefined;
    const resumeId = wanted ? (before?.id ?? KeptSessions.newId()) : undefined;
    const { limits, metrics, observer, metadata } = this.options;
    const connection = new Connection({ id: name, client, responder, limits, metrics, log, observer });
    const gone = new Promise<void>((resolve) => {
      socket.on('close', (code) => {
        this.clients.delete(socket);
        metrics.connections.set(this.clients.size);
        log.info({ code }, 'robot left');
        observer?.onClose?.(name, query.rest);
        void this.keep(connected).finally(resolve);
      });
    });
    const connected: ConnectedClient = { connection, socket, name, seed, resumable, resumeId, gone };
    this.clients.set(socket, connected);
    if (resumeId !== undefined) this.byResumeId.set(resumeId, connected);
    metrics.connections.set(this.clients.size);
    metrics.connectionsTotal.inc();
    if (before) metrics.resumed.inc();
    log.info({ from, resumed: before !== undefined }, 'robot connected');
    observer?.onOpen?.(name, query.rest);
    const { replies = 0 } = resumable ?? {};
    const own = conversation.seed === undefined ? undefined : { ...metadata, seed: conversation.seed };
    connection.send(
      resumeId === undefined
        ? (responder.greeting ?? (own ? packMessage(own) : this.firstMessage))
        : packMessage({ ...(own ?? metadata), session: resumeId, resumed: before !== undefined, replies }),
    );
    socket.resume();
  }

  /** Lets replies under way go out for `closeMs` at most, and ends every connection. */
  async close(closeMs: number): Promise<void> {
    this.closing = true;
    const open = [...this.clients.values()];
    for (const { connection } of open) connection.stop();
    await Promise.race([Promise.all(open.map(({ connection }) => connection.idle())), delay(closeMs)]);
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
  private async keep({ connection, resumable, resumeId, name, seed }: ConnectedClient): Promise<void> {
    await connection.idle();
    if (resumeId !== undefined) this.byResumeId.delete(resumeId);
    if (resumable && resumeId !== undefined && !this.closing)
      this.kept.keep(resumeId, { name, seed, state: resumable.state() });
    await connection.closeResponder();
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

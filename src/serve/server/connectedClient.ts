import { packMessage } from '../../wire/index.ts';
import type { Logger } from '../log.ts';
import { NobodyWaitsError } from '../planners/index.ts';
import type { Arrival } from './admission.ts';
import { Connection } from './connection.ts';
import { ConnectionTape } from './connectionTape.ts';
import type { Conversations } from './conversations.ts';
import type { ServerLimits } from './limits.ts';
import type { Metrics } from './metrics.ts';
import { OpenSession } from './openSession.ts';
import type { Responder } from './responder.ts';
import type { Json, ServerOptions } from './serverOptions.ts';
import type { SessionBook } from './sessionBook.ts';

/** What all connections of a server share. */
export interface ConnectionSettings {
  readonly conversations: Conversations;
  readonly metadata: { readonly [key: string]: Json };
  readonly observer: ServerOptions['observer'];
  readonly limits: ServerLimits;
  readonly metrics: Metrics;
  readonly log: Logger;
}

export interface ConnectedClientOptions extends ConnectionSettings {
  readonly arrival: Arrival;
  /** The name of a session that begins with it. */
  readonly name: string;
  readonly book: SessionBook;
}

/**
 * A client that is connected, and the session that it speaks with: that of its id, the one that it goes on with by its
 * first message, or a new one.
 */
export class ConnectedClient implements Responder {
  readonly connection: Connection;
  private readonly tape: ConnectionTape;
  /** What answers it, where that is not a session of ours. */
  private foreign: Responder | undefined;
  private session: OpenSession | undefined;
  /** Its socket has closed, and its client may come back or not. */
  private left: { readonly isLost: boolean } | undefined;
  private readonly greeted: Promise<void>;

  constructor(private readonly options: ConnectedClientOptions) {
    const { arrival, observer, limits, metrics, log, name } = options;
    this.tape = new ConnectionTape(observer, arrival.query.rest);
    const { client } = arrival;
    this.connection = new Connection({ client, responder: this, limits, metrics, log, tape: this.tape });
    log.info({ from: arrival.place.address }, 'robot connected');
    this.greeted = this.greet();
    this.greeted.catch((error: Error) => {
      log.error({ err: error }, 'no session could be set up');
      this.tape.named(name);
      client.socket.close(1011, 'no session could be set up');
    });
  }

  async respond(bytes: Uint8Array): Promise<Uint8Array | undefined> {
    await this.greeted;
    if (this.foreign) return this.foreign.respond(bytes);
    const session = this.session ?? (await this.sessionFor(bytes));
    return session.robots.respond(bytes);
  }

  /** Its socket has closed with this code. */
  closed(code: number): void {
    const isLost = this.connection.closed(code);
    this.left = { isLost };
    this.connection.log.info({ code, lost: isLost }, 'robot left');
    this.tape.named(this.options.name);
    this.tape.closed();
    if (this.session) this.options.book.release(this.session, isLost);
    void this.connection.idle().then(() => this.foreign?.close?.());
  }

  /** Says the first message of the connection. */
  private async greet(): Promise<void> {
    const { arrival, conversations, name, book } = this.options;
    const { resume, rest, seed } = arrival.query;
    // How a client knows that its seed counts.
    const metadata = { ...this.options.metadata, ...(seed !== undefined && conversations.takesSeeds && { seed }) };
    this.foreign = await conversations.foreign({ id: name, query: rest });
    conversations.tell();
    if (this.foreign) {
      this.tape.named(name);
      this.connection.send(this.foreign.greeting ?? packMessage(this.options.metadata));
    } else if (resume === undefined) this.connection.send(packMessage(metadata));
    else {
      const before = await book.resume(resume);
      const session = before ?? this.open(OpenSession.newId());
      await this.attach(session, before && 'by its id');
      before?.robots.takeUp(arrival.query.received);
      const { id = '', robots } = session;
      const replies = before ? robots.replies : 0;
      const resumed = before !== undefined;
      this.connection.send(packMessage({ ...metadata, session: id, resumed, replies }));
    }
  }

  /** The session that the client's first message begins, or goes on with. */
  private async sessionFor(bytes: Uint8Array): Promise<OpenSession> {
    const { arrival, conversations, book } = this.options;
    const prints = conversations.prints(bytes);
    if (!prints) book.begun(arrival.place);
    const before = prints && (await book.takeUp(arrival.place, prints));
    const session = before ?? this.open();
    await this.attach(session, before && 'by its observation');
    before?.robots.takeUp();
    return session;
  }

  private open(id?: string): OpenSession {
    const { arrival, conversations, name, log } = this.options;
    const { query, place } = arrival;
    const robots = conversations.open({ id: name, query: query.rest }, log, query.seed);
    return new OpenSession({ name, place, robots, id });
  }

  /**
   * Holds the session; settles when no message of its connection before is worked on any more. @throws NobodyWaitsError
   * when the client has left meanwhile: another connection may have taken the session up
   */
  private async attach(session: OpenSession, takenUp: string | undefined): Promise<void> {
    const { book, metrics, log } = this.options;
    this.tape.named(session.name);
    if (takenUp !== undefined) {
      this.connection.log = log.child({ session: session.name });
      metrics.resumed.inc();
      this.connection.log.info({ how: takenUp }, 'the session goes on over a new connection');
    }
    this.session = session;
    const { settled } = session;
    book.hold(session, this.connection);
    if (this.left) book.release(session, this.left.isLost);
    await settled;
    if (this.left) throw new NobodyWaitsError();
  }
}

import { randomBytes } from 'node:crypto';
import type { Arrival } from './admission.ts';
import { ConnectedClient, type ConnectionSettings } from './connectedClient.ts';
import { SessionBook } from './sessionBook.ts';

/** Who is connected, and which sessions there are. */
export class ConnectedSessions {
  private readonly clients = new Set<ConnectedClient>();
  private readonly book: SessionBook;
  private sessionCount = 0;

  constructor(private readonly options: ConnectionSettings) {
    const { limits, metrics } = options;
    this.book = new SessionBook({
      keepMs: limits.resumeMs,
      most: limits.maxConnections,
      onLost: (count) => metrics.sessionsKept.set(count),
    });
  }

  /** Connections now. */
  get count(): number {
    return this.clients.size;
  }

  /** Robots that may ask for a plan now: those of sessions that are connected. */
  get robots(): number {
    return Math.max(this.clients.size, this.book.robots);
  }

  /** Takes a new connection in. */
  welcome(arrival: Arrival): void {
    const { metrics, log } = this.options;
    const { socket } = arrival.client;
    const name = `${++this.sessionCount}-${randomBytes(3).toString('hex')}`;
    const client = new ConnectedClient({
      ...this.options,
      ...{ arrival, name, book: this.book, log: log.child({ session: name }) },
    });
    this.clients.add(client);
    metrics.connections.set(this.clients.size);
    metrics.connectionsTotal.inc();
    socket.on('close', (code) => {
      this.clients.delete(client);
      metrics.connections.set(this.clients.size);
      client.closed(code);
    });
  }

  /** Lets replies under way go out for `closeMs` at most, and ends every connection. */
  async close(closeMs: number): Promise<void> {
    this.book.close();
    const open = [...this.clients].map(({ connection }) => connection);
    for (const connection of open) connection.stop();
    await Promise.race([Promise.all(open.map((connection) => connection.idle())), delay(closeMs)]);
    this.book.giveUp();
    const ends = open.map((connection) => connection.shutDown());
    await Promise.race([Promise.all(ends), delay(1000)]);
    for (const connection of open) connection.terminate();
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

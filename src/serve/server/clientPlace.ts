import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { SessionQuery } from './sessionQuery.ts';

/** What a client that connects again has in common with its first connection. */
export interface ClientPlace {
  /** Of the server. */
  readonly port: number;
  /** The client's. */
  readonly address: string;
  /** Digest of the key that it sent. */
  readonly key: string;
  /** All that it asked for in its address. */
  readonly query: string;
}

/** Must be read before the connection is handed on. */
export function placeOf({ socket, headers }: IncomingMessage, { rest }: SessionQuery): ClientPlace {
  const key = createHash('sha256')
    .update(headers.authorization ?? '')
    .digest('base64');
  return { port: socket.localPort ?? 0, address: socket.remoteAddress ?? '', key, query: JSON.stringify(rest) };
}

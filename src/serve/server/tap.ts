/**
 * Hears every message of every session, for recordings. Called as the bytes come and go, synchronously: an implementation must not block, and
 * must not keep `bytes` beyond the call without copying where the server may still read them (it never writes to them). Without a tap nothing is called.
 */
export interface MessageTap {
  /** A client connected; `query` holds what it asked for in its address, without the id of a session. */
  onOpen?(sessionId: string, query: Readonly<Record<string, string>>): void;
  onReceive?(sessionId: string, bytes: Uint8Array, timeMs: number, isBinary: boolean): void;
  onSend?(sessionId: string, bytes: Uint8Array, timeMs: number, isBinary: boolean): void;
  onClose?(sessionId: string, query: Readonly<Record<string, string>>): void;
}

/** What stands behind one connection: takes its messages in order, one at a time. */
export interface Responder {
  /** The first message to the client; the server's metadata when left out. */
  readonly greeting?: Uint8Array;
  /** May read `bytes`, and views of them, until the reply is there; what is kept longer must be a copy. The reply's bytes, or nothing where the wire knows no answer (a reset). Throw InputError for a message that is wrong. */
  respond(bytes: Uint8Array): Promise<Uint8Array | undefined> | Uint8Array | undefined;
  /** The connection is gone. */
  close?(): void | Promise<void>;
}

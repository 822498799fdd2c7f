/** What stands behind one connection: takes its messages in order, one at a time. */
export interface Responder {
  /** The first message to the client; the server's metadata when left out. */
  readonly greeting?: Uint8Array;
  /**
   * The reply's bytes, or nothing where the wire knows no answer (a reset). May read `bytes`, and views of them, until
   * the reply is there; what is kept longer must be a copy. Throw InputError for a message that is wrong.
   */
  respond(bytes: Uint8Array): Promise<Uint8Array | undefined> | Uint8Array | undefined;
  /** The connection is gone. */
  close?(): void | Promise<void>;
}

/**
 * Hears every message of every session, for recordings. Called as the bytes come and go, synchronously: an
 * implementation must not block, and must not keep `bytes` beyond the call without copying, because their memory is
 * used again. Without an observer nothing is called.
 */
export interface MessageObserver {
  /** A client connected; `query` holds what it asked for in its address, without the id of a session. */
  onOpen?(sessionId: string, query: Readonly<Record<string, string>>): void;
  onReceive?(sessionId: string, bytes: Uint8Array, timeMs: number, isBinary: boolean): void;
  onSend?(sessionId: string, bytes: Uint8Array, timeMs: number, isBinary: boolean): void;
  onClose?(sessionId: string, query: Readonly<Record<string, string>>): void;
}

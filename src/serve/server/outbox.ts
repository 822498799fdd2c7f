import type { WebSocket } from 'ws';

/** Bytes on their way to a client that does not read, beyond which it is answered no further. */
const MAX_UNSENT_BYTES = 1 << 20;

/** What is on its way to a client. */
export class Outbox {
  private unsentBytes = 0;
  private wake: (() => void) | undefined;

  constructor(private readonly socket: WebSocket) {}

  /** Whether anything has not left yet. */
  get holdsAny(): boolean {
    return this.unsentBytes > 0;
  }

  get isFull(): boolean {
    return this.unsentBytes > MAX_UNSENT_BYTES;
  }

  /** The socket must be open. */
  send(bytes: Uint8Array): void {
    this.unsentBytes += bytes.byteLength;
    this.socket.send(bytes, (error) => {
      if (error) return; // it never left: the client may come back for it
      this.unsentBytes -= bytes.byteLength;
      if (!this.isFull) this.wake?.();
    });
  }

  /** Settles when there is room again, or `isOver` when woken. */
  async flushed(isOver: () => boolean): Promise<void> {
    while (this.isFull && !isOver())
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    this.wake = undefined;
  }

  /** The connection has closed: nobody waits any more. */
  close(): void {
    this.wake?.();
  }
}

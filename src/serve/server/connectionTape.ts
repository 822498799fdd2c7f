import type { MessageObserver } from './messageObserver.ts';

/**
 * Tells an observer what comes and goes over one connection. Whose session it is shows with the client's first message:
 * what came and went before is told then.
 */
export class ConnectionTape {
  private name: string | undefined;
  private readonly before: ((name: string) => void)[] = [];

  constructor(
    private readonly observer: MessageObserver | undefined,
    private readonly query: Readonly<Record<string, string>>,
  ) {}

  named(name: string): void {
    if (this.name !== undefined) return;
    this.name = name;
    this.observer?.onOpen?.(name, this.query);
    for (const tell of this.before.splice(0)) tell(name);
  }

  received(bytes: Uint8Array, isBinary: boolean): void {
    this.tell(bytes, (name, message) => this.observer?.onReceive?.(name, message, performance.now(), isBinary));
  }

  sent(bytes: Uint8Array, isBinary: boolean): void {
    this.tell(bytes, (name, message) => this.observer?.onSend?.(name, message, performance.now(), isBinary));
  }

  closed(): void {
    if (this.name !== undefined) this.observer?.onClose?.(this.name, this.query);
  }

  private tell(bytes: Uint8Array, to: (name: string, bytes: Uint8Array) => void): void {
    if (!this.observer) return;
    if (this.name !== undefined) {
      to(this.name, bytes);
      return;
    }
    const copy = Uint8Array.from(bytes); // their memory is used again
    this.before.push((name) => to(name, copy));
  }
}

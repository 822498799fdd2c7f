import { randomBytes } from 'node:crypto';
import type { ConversationState } from './conversations.ts';

/** A session whose connection was lost. */
export interface KeptSession {
  /** Its name in logs, metrics and recordings; no secret. */
  readonly name: string;
  readonly state: ConversationState;
  readonly seed: string | undefined;
}

/** Sessions that may go on over another connection, for a time and up to a number; the oldest go first. */
export class KeptSessions {
  private readonly kept = new Map<string, { readonly session: KeptSession; readonly timer: NodeJS.Timeout }>();

  constructor(
    private readonly keepMs: number,
    private readonly most: number,
    private readonly onCount: (count: number) => void = () => undefined,
  ) {}

  /** An id that nobody can guess: 128 random bits. Who has it has the session. */
  static newId(): string {
    return randomBytes(16).toString('base64url');
  }

  keep(id: string, session: KeptSession): void {
    if (this.keepMs <= 0) return;
    this.take(id);
    const timer = setTimeout(() => this.take(id), this.keepMs);
    timer.unref();
    this.kept.set(id, { session, timer });
    const [oldest] = this.kept.keys();
    if (this.kept.size > this.most && oldest !== undefined) this.take(oldest);
    this.onCount(this.kept.size);
  }

  /** The session, which is then no longer kept. */
  take(id: string): KeptSession | undefined {
    const found = this.kept.get(id);
    if (!found) return undefined;
    clearTimeout(found.timer);
    this.kept.delete(id);
    this.onCount(this.kept.size);
    return found.session;
  }

  clear(): void {
    for (const id of [...this.kept.keys()]) this.take(id);
  }
}

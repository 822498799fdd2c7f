import { ValetError } from '../../base/index.ts';

/** A plan was given up, because whoever asked for it has gone. No sign of ill health. */
export class NobodyWaitsError extends ValetError {
  override name = 'NobodyWaitsError';
  constructor() {
    super('plan', 'nobody waits for it any more.', 'interrupted');
  }
}

/**
 * Who asks for plans: a client that may leave and come back. While it is away, none of its plans begins; one that runs
 * goes on only as long as nobody else waits for the planner.
 */
export class Caller {
  /** Since when it waits for the plan that it asks for now; one that comes back has its old place in the queue. */
  since: number | undefined;
  private there = true;
  private over = false;
  private wanted = new AbortController();
  private readonly listeners = new Set<() => void>();

  get isThere(): boolean {
    return this.there;
  }

  /** Aborts when the plans that it waits for now are not wanted any more, whether it comes back or not. */
  get signal(): AbortSignal {
    return this.wanted.signal;
  }

  leave(): void {
    this.there = false;
    this.tell();
  }

  comeBack(): void {
    if (this.over) return;
    this.there = true;
    this.tell();
  }

  /** It asks for something else: the plans under way are not wanted any more. */
  giveUp(): void {
    const { wanted } = this;
    this.wanted = new AbortController();
    wanted.abort(new NobodyWaitsError());
  }

  /** It will not come back. */
  end(): void {
    this.over = true;
    this.leave();
    this.giveUp();
  }

  /** Hears when it leaves and comes back. @returns what ends that */
  listen(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Settles when it is there. @throws the signal's reason, or NobodyWaitsError when it will not come back */
  async back(signal: AbortSignal): Promise<void> {
    while (!this.there) {
      signal.throwIfAborted();
      if (this.over) throw new NobodyWaitsError();
      await this.change(signal);
    }
  }

  private change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const settle = () => {
        ignore();
        signal.removeEventListener('abort', settle);
        resolve();
      };
      const ignore = this.listen(settle);
      signal.addEventListener('abort', settle);
    });
  }

  private tell(): void {
    for (const listener of [...this.listeners]) listener();
  }
}

/** Lets `perSecond` events pass a second, and as many at once after a pause. */
export class RateLimit {
  private next = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly perSecond: number,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Whether one more may pass now. */
  passes(): boolean {
    const now = this.now();
    const next = Math.max(this.next, now - 1000) + 1000 / this.perSecond;
    if (next > now) return false;
    this.next = next;
    return true;
  }
}

/** Spreads events over time: `perSecond` of them, and one second's worth may come at once. */
export class MessagePace {
  private turn = Number.NEGATIVE_INFINITY;

  constructor(private readonly perSecond: number) {}

  /** Milliseconds until the next event may be. */
  next(): number {
    const now = performance.now();
    this.turn = Math.max(this.turn, now - 1000) + 1000 / this.perSecond;
    return this.turn > now ? Math.ceil(this.turn - now) : 0;
  }
}

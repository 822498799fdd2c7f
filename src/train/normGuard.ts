/** When a gradient's norm explodes. */
export interface NormRule {
  readonly explosion: 'skip' | 'stop' | 'off';
  /** So many times the running median. */
  readonly factor: number;
  /** Norms that make the median; a quarter of them must be there before anything is judged. */
  readonly window: number;
}

/**
 * The norm above which an update is left out, from the norms of the updates that were made. What it knows goes with the
 * checkpoint, so that a resumed run judges as an undisturbed one.
 */
export class NormGuard {
  private readonly norms: number[];

  constructor(
    private readonly rule: NormRule,
    norms: readonly number[] = [],
  ) {
    this.norms = [...norms].slice(-rule.window);
  }

  /** The norms so far, the newest last. */
  get state(): readonly number[] {
    return [...this.norms];
  }

  /** Undefined while too few norms are known. */
  get median(): number | undefined {
    const { window } = this.rule;
    if (this.norms.length < Math.ceil(window / 4)) return undefined;
    const sorted = [...this.norms].sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  }

  /** The largest norm of the next update. */
  get limit(): number | undefined {
    const { explosion, factor } = this.rule;
    const { median } = this;
    return explosion === 'off' || median === undefined ? undefined : factor * median;
  }

  /** An update was made. */
  add(norm: number): void {
    this.norms.push(norm);
    if (this.norms.length > this.rule.window) this.norms.shift();
  }
}

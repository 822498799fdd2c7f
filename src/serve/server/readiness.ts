/** At least this long between the beginnings of two trial plans. */
const RETRY_MS = 1000;

/**
 * Whether plans can be made: shown by a trial plan at the start, and by the plans of robots since. A plan that failed
 * may be its own robot's misfortune, so it causes no more than another trial. Only when that fails, too, no plan can be
 * made, until one is again: a trial, or a robot's.
 */
export class Readiness {
  /** Settles with the first trial plan. */
  readonly first: Promise<void>;
  private state: 'starting' | 'ready' | 'failed' = 'starting';
  private everReady = false;
  private probing = false;
  /** A plan failed since the last trial began. */
  private doubted = false;
  /** Plans of robots that worked. */
  private made = 0;
  private lastProbe = 0;
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  constructor(private readonly makePlan: () => Promise<unknown>) {
    this.first = this.probe();
    this.first.catch(() => undefined);
  }

  get isReady(): boolean {
    return this.state === 'ready';
  }

  /** Plans could be made once: whoever asks for one may wait for it now. */
  get wasReady(): boolean {
    return this.everReady;
  }

  /** A robot has got its plan. */
  planned(): void {
    this.made++;
    if (this.state === 'failed') this.state = 'ready';
  }

  /** A robot's plan failed, came too late, or was not usable. */
  doubt(): void {
    if (this.state === 'starting') return;
    this.doubted = true;
    this.probeSoon();
  }

  /** Starts another trial when the last one failed; does not wait for it. */
  retry(): void {
    if (this.state === 'failed') this.probeSoon();
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }

  private probeSoon(): void {
    if (this.closed || this.probing || this.timer) return;
    const begin = () => {
      this.timer = undefined;
      this.probe().catch(() => undefined);
    };
    const waitMs = this.lastProbe + RETRY_MS - performance.now();
    if (waitMs <= 0) begin();
    else this.timer = setTimeout(begin, waitMs).unref();
  }

  private async probe(): Promise<void> {
    const { made } = this;
    this.probing = true;
    this.doubted = false;
    this.lastProbe = performance.now();
    try {
      await this.makePlan();
      this.state = 'ready';
      this.everReady = true;
    } catch (error) {
      // A robot that has got its plan meanwhile shows more than a trial.
      if (this.made === made) this.state = 'failed';
      throw error;
    } finally {
      this.probing = false;
      if (this.doubted) this.probeSoon();
    }
  }
}

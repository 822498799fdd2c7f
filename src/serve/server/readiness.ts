/** At least this long between two trial plans. */
const RETRY_MS = 1000;

/** Whether a plan can be made right now: found out by making one, at the start and again after a failure. */
export class Readiness {
  /** Settles with the first trial plan. */
  readonly first: Promise<void>;
  private state: 'starting' | 'ready' | 'failed' = 'starting';
  private probing = false;
  private lastProbe = 0;

  constructor(private readonly makePlan: () => Promise<unknown>) {
    this.first = this.probe();
    this.first.catch(() => undefined);
  }

  get isReady(): boolean {
    return this.state === 'ready';
  }

  /** A plan failed on its way to a client: until a trial works, none can be made. */
  failed(): void {
    if (this.state !== 'ready') return;
    this.state = 'failed';
    if (!this.probing) this.probe().catch(() => undefined);
  }

  /**
   * A plan was not usable, perhaps for what the client asked: one robot's strange state is no reason to refuse the
   * others. Finds out by a trial.
   */
  doubt(): void {
    if (this.state !== 'ready' || this.probing || performance.now() - this.lastProbe < RETRY_MS) return;
    this.probe().catch(() => undefined);
  }

  /** Starts a new trial when the last plan failed; does not wait for it. */
  retry(): void {
    if (this.state !== 'failed' || this.probing || performance.now() - this.lastProbe < RETRY_MS) return;
    this.probe().catch(() => undefined);
  }

  private async probe(): Promise<void> {
    this.probing = true;
    this.lastProbe = performance.now();
    try {
      await this.makePlan();
      this.state = 'ready';
    } catch (error) {
      this.state = 'failed';
      throw error;
    } finally {
      this.probing = false;
    }
  }
}

import { present } from '../../base/index.ts';
import type { RawBatch } from './rawBatch.ts';

/**
 * Batches that are read before they are asked for: windows of steps, so that what a window needs of one episode is read
 * together. The next window begins when half of one is used; two are held at most.
 */
export class ReadAhead {
  private readonly ready = new Map<number, Promise<RawBatch>>();
  /** The first step that nothing was begun for. */
  private end = 0;

  /**
   * @param read begins the batches of the steps from…to − 1 @param window steps of a window @param steps of the run
   */
  constructor(
    private readonly read: (from: number, to: number) => Promise<RawBatch>[],
    private readonly window: number,
    private readonly steps: number,
  ) {}

  take(step: number): Promise<RawBatch> {
    if (!this.ready.has(step) && step < this.end) return present(this.read(step, step + 1)[0], 'batch'); // once more
    if (!this.ready.has(step)) {
      // The first one, or a jump.
      this.ready.clear();
      this.begin(step, Math.max(step + 1, Math.min(step + this.window, this.steps)));
    }
    if (this.end - step <= Math.max(1, this.window / 2))
      this.begin(this.end, Math.min(this.end + this.window, this.steps));
    const batch = present(this.ready.get(step), 'batch');
    this.ready.delete(step);
    return batch;
  }

  private begin(from: number, to: number): void {
    if (to <= from) return;
    for (const [i, batch] of this.read(from, to).entries()) this.ready.set(from + i, batch);
    this.end = to;
  }
}

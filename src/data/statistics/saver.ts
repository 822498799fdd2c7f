import type { StatisticsAccumulator, StatisticsState } from '../../action/index.ts';
import type { WorkerClient } from '../../base/index.ts';
import type { UnfinishedStatistics } from './unfinishedStatistics.ts';

const SAVE_EVERY_MS = 10_000;

/** Writes down now and then what workers have added, so that another run goes on from there. */
export class Saver {
  private readonly done = new Map<WorkerClient, number[]>();
  private last = performance.now();
  private saving: Promise<void> | undefined;
  /** A worker may hold half of a bad file: what it has is no use any more. */
  private isSpoilt = false;
  private failed: unknown;

  constructor(
    /** Holds what a run before has added. */
    private readonly whole: StatisticsAccumulator,
    private readonly unfinished: UnfinishedStatistics,
    private readonly workers: readonly WorkerClient[],
    private readonly everyMs = SAVE_EVERY_MS,
  ) {}

  added(worker: WorkerClient, place: number, bad: boolean): void {
    this.isSpoilt ||= bad;
    const its = this.done.get(worker) ?? [];
    its.push(place);
    this.done.set(worker, its);
    if (this.saving || this.isSpoilt || performance.now() - this.last < this.everyMs) return;
    this.saving = this.save().then(
      () => {
        this.saving = undefined;
        this.last = performance.now();
      },
      (error: unknown) => {
        // Nothing more is saved: the disk takes nothing.
        this.failed = error;
      },
    );
  }

  /** @throws what kept it from being written */
  async settled(): Promise<void> {
    await this.saving;
    if (this.failed !== undefined) throw this.failed;
  }

  private async save(): Promise<void> {
    const all = this.whole.fresh();
    all.mergeState(this.whole.state());
    const done = [...(this.unfinished.before?.done ?? [])];
    for (const worker of this.workers) {
      const state = await worker.call<StatisticsState>('state');
      // A worker answers in order: it has added what it has told of, and nothing else.
      done.push(...(this.done.get(worker) ?? []));
      all.mergeState(state);
    }
    if (!this.isSpoilt) await this.unfinished.save(done, all.state());
  }
}

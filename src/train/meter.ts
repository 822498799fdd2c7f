import type { Untold } from './carried.ts';
import { average, type Losses } from './losses.ts';
import type { StepReport } from './trainerOptions.ts';

export interface MeterReading {
  readonly losses: Losses;
  /** Mean norm before clipping. */
  readonly gradientNorm: number;
  readonly samplesPerSecond: number;
  /** Share of the time in which the trainer's thread waited for a batch, 0…1. */
  readonly dataWait: number;
  /** Of several ranks: means over the updates. */
  readonly ranks?: RankTimes;
}

/** Milliseconds of an update that several ranks take. */
export interface RankTimes {
  /** Waiting for the slowest rank. */
  readonly rankWait: number;
  /** Exchanging gradients and parameters. */
  readonly reduce: number;
}

/** What happened since the last reading. */
export class Meter {
  private losses: Losses[];
  private norms: number;
  /** Updates of the first reading that another process made: they count for no pace. */
  private earlier: number;
  private busy = 0;
  private waited = 0;
  private reduced: number | undefined;
  private since = performance.now();

  /** @param untold what no line told of before */
  constructor(
    private readonly batch: number,
    untold: Untold,
  ) {
    this.losses = [...untold.losses];
    this.norms = untold.norms;
    this.earlier = untold.losses.length;
  }

  /** What was not read yet. */
  get unread(): Pick<Untold, 'losses' | 'norms'> {
    return { losses: [...this.losses], norms: this.norms };
  }

  add(update: Omit<StepReport, 'applied'>): void {
    this.losses.push(update.losses);
    this.norms += update.gradientNorm;
    this.busy += update.milliseconds;
    this.waited += update.waited ?? 0;
    if (update.reduced !== undefined) this.reduced = (this.reduced ?? 0) + update.reduced;
  }

  /** Time that belongs to something else (a checkpoint, a validation) counts for nothing. */
  pause(milliseconds: number): void {
    this.since += milliseconds;
  }

  read(): MeterReading {
    const now = performance.now();
    const wall = Math.max(1e-3, now - this.since);
    const updates = this.losses.length;
    const here = updates - this.earlier;
    const reading = {
      losses: average(this.losses),
      gradientNorm: this.norms / Math.max(1, updates),
      samplesPerSecond: (here * this.batch * 1000) / wall,
      dataWait: Math.min(1, Math.max(0, 1 - this.busy / wall)),
      ...(this.reduced !== undefined && {
        ranks: { rankWait: this.waited / here, reduce: this.reduced / here },
      }),
    };
    [this.losses, this.norms, this.busy, this.since] = [[], 0, 0, now];
    [this.waited, this.reduced, this.earlier] = [0, undefined, 0];
    return reading;
  }
}

import { average, type Losses } from './losses.ts';

export interface MeterReading {
  readonly losses: Losses;
  /** Mean norm before clipping. */
  readonly gradientNorm: number;
  readonly samplesPerSecond: number;
  /** Share of the time in which the trainer's thread waited for a batch, 0…1. */
  readonly dataWait: number;
}

/** What happened since the last reading. */
export class Meter {
  private losses: Losses[] = [];
  private norms = 0;
  private busy = 0;
  private since = performance.now();

  constructor(private readonly batch: number) {}

  add(update: { readonly losses: Losses; readonly gradientNorm: number; readonly milliseconds: number }): void {
    this.losses.push(update.losses);
    this.norms += update.gradientNorm;
    this.busy += update.milliseconds;
  }

  /** Time that belongs to something else (a checkpoint, a validation) counts for nothing. */
  pause(milliseconds: number): void {
    this.since += milliseconds;
  }

  read(): MeterReading {
    const now = performance.now();
    const wall = Math.max(1e-3, now - this.since);
    const updates = this.losses.length;
    const reading = {
      losses: average(this.losses),
      gradientNorm: this.norms / Math.max(1, updates),
      samplesPerSecond: (updates * this.batch * 1000) / wall,
      dataWait: Math.min(1, Math.max(0, 1 - this.busy / wall)),
    };
    [this.losses, this.norms, this.busy, this.since] = [[], 0, 0, now];
    return reading;
  }
}

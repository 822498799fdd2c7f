import { Rate } from '../base/index.ts';
import type { Carried, Untold } from './carried.ts';
import type { RunConfig } from './config.ts';
import type { RunEvents } from './events/index.ts';
import type { RunFolder } from './folder.ts';
import { Meter, type MeterReading } from './meter.ts';
import { progressLine } from './progressLine.ts';
import type { StepReport, TrainerInfo } from './trainerOptions.ts';

/** Lines for a person come at most this often. */
const LINE_EVERY_MS = 5000;

/** Writes what updates came to: `metrics.jsonl`, TensorBoard's events, lines for a person. */
export class UpdateLog {
  reading: MeterReading = { losses: {}, gradientNorm: 0, samplesPerSecond: 0, dataWait: 0 };
  private readonly meter: Meter;
  private readonly began = performance.now();
  /** Time for other things. */
  private away = 0;
  private lastLine = Number.NEGATIVE_INFINITY;
  /** Of updates, without the time for other things. */
  private readonly pace: Rate;

  constructor(
    private readonly run: {
      readonly folder: RunFolder;
      readonly config: RunConfig;
      readonly info: TrainerInfo;
      readonly start: number;
      readonly carried: Carried;
      readonly log: (line: string) => void;
    },
    private readonly events: RunEvents,
  ) {
    this.meter = new Meter(run.config.batch, run.carried.untold);
    this.pace = new Rate(run.start, () => (performance.now() - this.away) / 1000);
  }

  /** The updates that no line tells of yet. */
  get untold(): Untold {
    return { ...this.meter.unread, tasks: this.events.untold };
  }

  /** Minutes since the first update. */
  get minutes(): number {
    return (performance.now() - this.began) / 60_000;
  }

  /** Work beside the updates that they wait for: its time counts for no pace. */
  async aside<T>(work: () => Promise<T>): Promise<T> {
    const since = performance.now();
    const result = await work();
    this.meter.pause(performance.now() - since);
    this.away += performance.now() - since;
    return result;
  }

  async update(step: number, report: StepReport, rate: number, skippedUpdates: number): Promise<void> {
    const { folder, config } = this.run;
    this.meter.add(report);
    this.pace.at(step);
    await this.events.add(step, report);
    if (step % config.logEvery !== 0 && step !== config.steps) return;
    this.reading = this.meter.read();
    const { losses, gradientNorm, samplesPerSecond, dataWait, ranks } = this.reading;
    const network = await this.events.log(step, this.reading, { learningRate: rate, reading: report.reading });
    await folder.append('metrics.jsonl', {
      step,
      time: Date.now() / 1000,
      ...losses,
      learningRate: rate,
      gradientNorm,
      samplesPerSecond,
      dataWait,
      ...network,
      ...ranks,
      ...(skippedUpdates > 0 && { skippedUpdates }),
    });
    this.tell(step, rate, skippedUpdates);
  }

  private tell(step: number, learningRate: number, skippedUpdates: number): void {
    const { config, info, log } = this.run;
    const { steps } = config;
    if (performance.now() - this.lastLine <= LINE_EVERY_MS && step !== steps) return;
    this.lastLine = performance.now();
    const { losses, samplesPerSecond, dataWait, ranks } = this.reading;
    const secondsLeft = this.pace.secondsLeft(steps);
    const peakShare = info.peak && (samplesPerSecond * info.flops) / config.batch / info.peak / 1e9;
    const pace = {
      step,
      steps,
      losses,
      learningRate,
      samplesPerSecond,
      dataWait,
      secondsLeft,
      skippedUpdates,
      ...ranks,
    };
    log(progressLine({ ...pace, ...(peakShare ? { peakShare } : {}) }));
  }
}

import type { TrainingBatch } from '../batch.ts';
import type { TaskSum, Untold } from '../carried.ts';
import type { WhenFull } from '../fullDisk.ts';
import type { Losses } from '../losses.ts';
import type { MeterReading } from '../meter.ts';
import type { ByPart, NetworkReading } from '../networkReading.ts';
import type { StepReport } from '../trainerOptions.ts';
import { type BatchWords, batchPictures } from './batchPictures.ts';
import { EventFile } from './eventFile.ts';
import { TaskMeter, type TaskReading } from './taskMeter.ts';

/** What a line of `metrics.jsonl` holds beside losses and pace, at a logged update. */
export interface NetworkMetrics {
  /** Norms by part of the network, before this update and before clipping. */
  readonly gradientNorms?: ByPart<number>;
  readonly parameterNorms?: ByPart<number>;
  readonly mixing?: NetworkReading['mixing'];
  /** By task, over the updates since the last line. */
  readonly tasks: Readonly<Record<string, TaskReading>>;
}

/** A run as TensorBoard shows it. Also gathers what `metrics.jsonl` says by task and by part. */
export class RunEvents {
  private readonly tasks: TaskMeter;

  private constructor(
    private readonly file: EventFile,
    private readonly words: BatchWords,
    untold: Untold['tasks'],
  ) {
    this.tasks = new TaskMeter(words.taskNames, untold);
  }

  /** @param fromStep updates that were made already @param untold of them, what no line tells yet */
  static async open(
    folder: string,
    fromStep: number,
    words: BatchWords,
    { whenFull = 'stop', untold = [] }: { whenFull?: WhenFull | undefined; untold?: Untold['tasks'] } = {},
  ): Promise<RunEvents> {
    return new RunEvents(await EventFile.create(folder, fromStep, undefined, whenFull), words, untold);
  }

  /** Sums by task that no line tells yet. */
  get untold(): [number, TaskSum][] {
    return this.tasks.unread;
  }

  /** The batch of update `step` as the network sees it. Call it before the batch moves to another thread. */
  async firstBatch(step: number, batch: TrainingBatch): Promise<void> {
    await this.file.pictures(step, await batchPictures(batch, this.words));
  }

  /** After every update. */
  async add(step: number, { samples, reading }: StepReport): Promise<void> {
    this.tasks.add(samples);
    if (!reading?.histograms) return;
    const { gradients, parameters } = reading.histograms;
    await this.file.histograms(step, { ...named('gradients', gradients), ...named('parameters', parameters) });
  }

  /** Writes a logged update. @returns what the line of metrics holds of it */
  async log(
    step: number,
    { losses, gradientNorm, samplesPerSecond }: MeterReading,
    { learningRate, reading }: { readonly learningRate: number; readonly reading: NetworkReading | undefined },
  ): Promise<NetworkMetrics> {
    const tasks = this.tasks.read();
    await this.file.scalars(step, {
      ...losses,
      learning_rate: learningRate,
      gradient_norm: gradientNorm,
      samples_per_second: samplesPerSecond,
      ...(reading && networkScalars(reading)),
      ...Object.fromEntries(
        Object.entries(tasks).flatMap(([task, { action, stage, stageAccuracy }]) => [
          [`task_action_loss/${task}`, action],
          [`task_stage_loss/${task}`, stage],
          [`task_stage_accuracy/${task}`, stageAccuracy],
        ]),
      ),
    });
    const { gradientNorms, parameterNorms, mixing } = reading ?? {};
    return {
      ...(gradientNorms && { gradientNorms }),
      ...(parameterNorms && { parameterNorms }),
      ...(mixing && { mixing }),
      tasks,
    };
  }

  async validation(step: number, losses: Losses): Promise<void> {
    await this.file.scalars(step, named('validation', losses));
  }

  async rollouts(step: number, values: Readonly<Record<string, number>>): Promise<void> {
    await this.file.scalars(step, named('rollouts', values));
  }
}

function networkScalars({ gradientNorms, parameterNorms, mixing }: NetworkReading): Record<string, number> {
  const mixed = Object.entries(mixing ?? {}).flatMap(([name, { own, others }]) => [
    [`kv_mixing/${name}_own`, own],
    [`kv_mixing/${name}_others`, others],
  ]);
  return {
    ...named('gradient_norms', gradientNorms),
    ...named('parameter_norms', parameterNorms),
    ...Object.fromEntries(mixed),
  };
}

const named = <T>(group: string, values: Readonly<Partial<Record<string, T>>>): Record<string, T> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`${group}/${name}`, value as T]));

import type { TaskSum } from '../carried.ts';
import type { SampleLosses } from '../trainerOptions.ts';

/** Means over the samples of one task since the last reading. */
export interface TaskReading {
  readonly samples: number;
  /** The flow loss. */
  readonly action: number;
  readonly stage: number;
  /** 0…1: how often the stage head was right. */
  readonly stageAccuracy: number;
}

/** Losses by task, from the samples of every update. */
export class TaskMeter {
  private readonly sums: Map<number, TaskSum>;

  /** @param names of tasks by id @param sums of samples before */
  constructor(
    private readonly names: ReadonlyMap<number, string>,
    sums: Iterable<readonly [number, TaskSum]> = [],
  ) {
    this.sums = new Map([...sums].map(([id, sum]) => [id, { ...sum }]));
  }

  /** What was not read yet. */
  get unread(): [number, TaskSum][] {
    return [...this.sums].map(([id, sum]) => [id, { ...sum }]);
  }

  add({ task, action, stage, right }: SampleLosses): void {
    task.forEach((id, b) => {
      const sum = this.sums.get(id) ?? { samples: 0, action: 0, stage: 0, right: 0 };
      this.sums.set(id, sum);
      sum.samples++;
      sum.action += action[b] as number;
      sum.stage += stage[b] as number;
      sum.right += right[b] as number;
    });
  }

  /** By name, tasks without a sample left out; begins anew. */
  read(): Record<string, TaskReading> {
    const all = [...this.sums].sort(([a], [b]) => a - b);
    this.sums.clear();
    return Object.fromEntries(
      all.map(([id, { samples, action, stage, right }]) => [
        this.names.get(id) ?? `task ${id}`,
        { samples, action: action / samples, stage: stage / samples, stageAccuracy: right / samples },
      ]),
    );
  }
}

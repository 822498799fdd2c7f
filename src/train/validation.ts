import type { CorrelatedNoise } from '../action/index.ts';
import { present, type WorkerClient } from '../base/index.ts';
import type { SampleSource } from '../data/index.ts';
import { flowNoise } from '../model/index.ts';
import { type BatchMaker, batchBuffers } from './batch.ts';
import {
  actionError,
  countStages,
  type HeldOutTask,
  type PartError,
  type StageCounts,
  spread,
  startingNoise,
  tasksOfStore,
} from './heldOut.ts';
import { average, type Losses } from './losses.ts';
import type { ChunkRequest, PlannedChunks } from './openLoop.ts';
import type { Run } from './run.ts';

/** What the averaged weights make of a task's held-out episodes. */
export interface TaskValidation {
  /** Held-out samples that there are of it. */
  readonly samples: number;
  readonly losses: Losses;
  /** By part of the robot. */
  readonly error?: Readonly<Record<string, PartError>>;
  readonly stages?: StageCounts;
}

/** A line of `validation.jsonl`, without step and time: the means over all held-out samples, and each task. */
export interface ValidationResult {
  readonly means: Losses;
  readonly tasks: Readonly<Record<string, TaskValidation>>;
}

/** Names of the means: losses, and the error of each part of the robot where chunks are planned. */
export const validationKeys = ({ info, robot, config }: Pick<Run, 'info' | 'robot' | 'config'>): string[] => [
  ...info.losses,
  ...(config.validation.chunks > 0 ? robot.parts.map(({ name }) => `error/${name}`) : []),
];

/** Looks at the held-out episodes of a run, task by task. */
export class Validation {
  private readonly tasks: readonly HeldOutTask[];
  /** Of plans; undefined where none are made. */
  private readonly noise: CorrelatedNoise | undefined;

  constructor(
    private readonly run: Run,
    private readonly store: SampleSource,
    private readonly maker: BatchMaker,
  ) {
    this.tasks = tasksOfStore(store, run.taskNames);
    const { config, statistics } = run;
    this.noise = config.validation.chunks > 0 ? flowNoise(config.model, statistics) : undefined;
  }

  async look(): Promise<ValidationResult> {
    const { client } = this.run;
    const losses = new Map<HeldOutTask, Losses>();
    for (const task of this.tasks) losses.set(task, await this.lossesOf(task, client));
    const planned = this.noise && (await this.planAll(client, this.noise));
    const results = this.tasks.map((task): [string, TaskValidation] => [
      task.name,
      { samples: task.samples.length, losses: present(losses.get(task), 'the losses'), ...planned?.get(task) },
    ]);
    return { means: means(results.map(([, result]) => result)), tasks: Object.fromEntries(results) };
  }

  private async lossesOf({ samples }: HeldOutTask, client: WorkerClient): Promise<Losses> {
    const { batches } = this.run.config.validation;
    const size = this.run.config.batch;
    const all: Losses[] = [];
    for (let i = 0; i < batches; i++) {
      const raw = await this.store.gather(spread(samples, i * size, size, batches * size));
      const batch = this.maker.make(raw, i, { still: true, label: 'validation' });
      all.push(await client.call<Losses>('validate', batch, { transfer: batchBuffers(batch) }));
    }
    return average(all);
  }

  /** The chunks that the network plans from held-out moments, beside what was done then. */
  private async planAll(client: WorkerClient, noise: CorrelatedNoise) {
    const { config, statistics, robot, seed } = this.run;
    const { chunks: size } = config.validation;
    const numbers = config.model.actionHorizon * config.model.actionDim;
    const ofTask = async (task: HeldOutTask) => {
      const raw = await this.store.gather(spread(task.samples, 0, size, size));
      const { images, state, stage } = this.maker.make(raw, 0, { still: true, label: 'held-out chunks' });
      const request: ChunkRequest = {
        images,
        state: state.slice(),
        task: raw.taskId.slice(),
        stage: stage.slice(),
        stageBefore: stage.map((one) => Math.max(0, one - 1)),
        noise: startingNoise(noise, { seed, task: task.id, size, numbers }),
      };
      return { task, raw, state, request };
    };
    const moments = await Promise.all(this.tasks.map(ofTask));
    const answers = await client.call<PlannedChunks[]>('planChunks', {
      requests: moments.map(({ request }) => request),
      steps: config.samplingSteps,
    });
    return new Map(
      moments.map(({ task, raw, state }, i) => {
        const { actions, stageLogits, stageLogitsBefore } = present(answers[i], 'the planned chunks');
        const stages = present(config.model.taskNumStages[task.id], 'the stages of the task');
        return [
          task,
          {
            error: actionError(actions, state, raw, { statistics, robot }),
            stages: countStages(stageLogits, stageLogitsBefore, raw.stage, stages),
          },
        ];
      }),
    );
  }
}

/** Each task counts as much as it has held-out samples; the error of a part is the mean over its dimensions. */
function means(tasks: readonly TaskValidation[]): Losses {
  const withErrors = tasks.map(({ losses, error = {} }) => ({
    ...losses,
    ...Object.fromEntries(
      Object.entries(error).map(([part, { error: all }]) => [
        `error/${part}`,
        all.reduce((sum, one) => sum + one, 0) / all.length,
      ]),
    ),
  }));
  return average(
    withErrors,
    tasks.map(({ samples }) => samples),
  );
}

/** A look in a line for a person. */
export function validationLine(step: number, { means: all, tasks }: ValidationResult): string {
  const words = Object.entries(all).map(([name, value]) => `${name.replace('loss/', '')} ${value.toPrecision(3)}`);
  const each = Object.entries(tasks);
  const byTask = each.map(([name, { losses }]) => `${name} ${(losses['loss'] ?? Number.NaN).toPrecision(3)}`);
  return `held out at step ${step}: ${words.join(', ')}${each.length > 1 ? ` · by task: ${byTask.join(', ')}` : ''}`;
}

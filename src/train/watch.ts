import { setTimeout as sleep } from 'node:timers/promises';
import { present, systemError, type ValetError } from '../base/index.ts';
import type { BatchMaker } from './batch.ts';
import type { Carried } from './carried.ts';
import type { RunEvents } from './events/index.ts';
import { CheckpointKeeper } from './keeper.ts';
import type { TaskLook } from './lookPlan.ts';
import { Looks, meanOf } from './looks.ts';
import type { Run } from './run.ts';
import { Validation, validationLine } from './validation.ts';

/** Between two looks whether there is room again. */
const ROOM_MS = 5000;

/**
 * What happens between two updates: looks at held-out episodes, checkpoints, rollouts. The updates wait for the looks
 * at held-out episodes and for a copy of the state; all else goes on beside them.
 */
export class Watch {
  private constructor(
    private readonly run: Run,
    private readonly events: RunEvents,
    private readonly validation: Validation | undefined,
    private readonly looks: Looks | undefined,
    private readonly keeper: CheckpointKeeper,
  ) {}

  static async open(
    run: Run,
    { maker, events, carried }: { maker: BatchMaker; events: RunEvents; carried: () => Carried },
  ): Promise<Watch> {
    const { data, folder, plan, best, options, log, start } = run;
    const validation = data.heldOut ? new Validation(run, data.heldOut, maker) : undefined;
    let looks: Looks | undefined;
    const keeper = new CheckpointKeeper(run, {
      best,
      plan,
      pending: () => looks?.pending ?? new Set(),
      carried,
      onSaved: (step) => looks?.pending.has(step) && looks.begin(step),
    });
    const onLook = async (step: number, tasks: readonly TaskLook[]) => {
      keeper.review();
      if (tasks.length === 0) return;
      const each = tasks.map(({ task, q }): [string, number] => [`${task}/q`, q]);
      const all = { q: meanOf(tasks, 'q'), success: meanOf(tasks, 'success') };
      await events.rollouts(step, { ...all, ...Object.fromEntries(each) });
    };
    if (plan) {
      looks = new Looks({ folder, plan, player: present(options.player, 'the player'), onLook, log });
      const there = (await folder.checkpointTimes()).map(({ step }) => step);
      await looks.takeUp(there.filter((step) => step <= start));
    }
    if (best && start > 0) keeper.review();
    return new Watch(run, events, validation, looks, keeper);
  }

  /** The step of the newest checkpoint. */
  get saved(): number {
    return this.keeper.step;
  }

  /** The error of a run whose files cannot be written any more. */
  notSaved(step: number, cause: unknown): ValetError {
    const words = systemError(cause)?.message ?? (cause as Error).message;
    return this.keeper.notSaved(step, new Error(words, { cause }));
  }

  /** After an update. @param last no other follows now: everything must be on the disk */
  async after(step: number, last: boolean): Promise<void> {
    const { config } = this.run;
    this.keeper.check();
    const end = step === config.steps;
    let worth = false;
    if (this.validation && (step % config.validation.every === 0 || end))
      worth = await this.validate(this.validation, step);
    const look = this.looks?.wants(step) ?? false;
    if (look) this.looks?.expect(step);
    const due = worth || look || last || end || step % config.checkpointEvery === 0;
    if (due || this.keeper.retryDue) await this.keeper.save(step);
    if (last || end) await this.settle(step, end);
  }

  /** Waits until the state is on the disk; at the end of the run also for room. */
  private async settle(step: number, end: boolean): Promise<void> {
    const { keeper } = this;
    const { options, log } = this.run;
    await keeper.settled();
    for (let told = false; keeper.unsaved; told = true) {
      if (!end || options.signal?.aborted) throw keeper.notSaved(step, new Error('the disk takes nothing.'));
      if (!told) log('all updates are made; waiting for room on the disk to save them');
      await sleep(ROOM_MS, undefined, { signal: options.signal }).catch(() => undefined);
      await keeper.save(step);
      await keeper.settled();
    }
  }

  /** Waits for the rollouts that are still to come. @returns false when the signal ended them */
  async finish(): Promise<boolean> {
    const { looks, keeper } = this;
    const { signal } = this.run.options;
    if (looks && looks.count > 0) {
      this.run.log(
        `all updates are made; ${looks.count} ${looks.count === 1 ? 'look waits' : 'looks wait'} for rollouts`,
      );
      const stop = () => void looks.stop();
      if (signal?.aborted) stop();
      signal?.addEventListener('abort', stop);
      await looks.finish().finally(() => signal?.removeEventListener('abort', stop));
    }
    keeper.review();
    await keeper.settled();
    return (looks?.count ?? 0) === 0;
  }

  /** Gives up rollouts that are under way; they are played when the run goes on. */
  async close(): Promise<void> {
    await this.looks?.stop();
    await this.keeper.settled().catch(() => undefined); // told by whoever waited for it before
  }

  /** @returns whether the weights are the best so far by their measure */
  private async validate(validation: Validation, step: number): Promise<boolean> {
    const { folder, best, log } = this.run;
    const result = await validation.look();
    const { means, tasks } = result;
    const value = best?.file === 'validation.jsonl' ? means[best.key] : undefined;
    const worth = value !== undefined && (await this.keeper.wouldBeBest({ step, value }));
    await folder.append('validation.jsonl', { step, time: Date.now() / 1000, ...means, tasks });
    const byTask = Object.entries(tasks).map(([task, { losses }]) => [`${task}/loss`, losses['loss'] ?? Number.NaN]);
    await this.events.validation(step, { ...means, ...Object.fromEntries(byTask) });
    log(validationLine(step, result));
    return worth;
  }
}

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isUnwritable } from '../base/index.ts';
import { type RunFolder, stepName } from './folder.ts';
import type { LookPlan, RolloutPlayer, TaskLook } from './lookPlan.ts';

/** What of the run the looks need. */
interface Watched {
  readonly folder: RunFolder;
  readonly plan: LookPlan;
  readonly player: RolloutPlayer;
  /** Hears what a look came to, once its lines are written; also of one that failed, without tasks. */
  readonly onLook: (step: number, tasks: readonly TaskLook[]) => Promise<void>;
  readonly log: (line: string) => void;
}

/**
 * The looks of a run: each waits for its checkpoint, and is played beside the updates, one after the other. A look that
 * was not played to its end is played again when the run goes on.
 */
export class Looks {
  private readonly waiting = new Set<number>();
  private readonly end = new AbortController();
  private turn: Promise<void> = Promise.resolve();
  private failure: unknown;

  constructor(private readonly run: Watched) {}

  /** Whether there is a look at this step. */
  wants(step: number): boolean {
    return step % this.run.plan.every === 0;
  }

  /** Steps whose checkpoints must stay until they were looked at. */
  get pending(): ReadonlySet<number> {
    return this.waiting;
  }

  get count(): number {
    return this.waiting.size;
  }

  /** Takes up what the run so far left open. @param steps its checkpoints */
  async takeUp(steps: readonly number[]): Promise<void> {
    const lines = await this.run.folder.lines('rollouts.jsonl');
    const done = new Set(lines.map((line) => Number(line['step'])));
    for (const step of steps) if (step > 0 && this.wants(step) && !done.has(step)) this.expect(step);
    for (const step of [...this.waiting].sort((a, b) => a - b)) this.begin(step);
  }

  /** Before its checkpoint is written: it must stay. */
  expect(step: number): void {
    this.waiting.add(step);
  }

  /** Its checkpoint is there. */
  begin(step: number): void {
    this.turn = this.turn.then(() => this.look(step)).catch((error: unknown) => void (this.failure ??= error));
  }

  /** Waits for all looks. @throws what went wrong with the run's own files */
  async finish(): Promise<void> {
    await this.turn;
    if (this.failure !== undefined) throw this.failure;
  }

  /** Gives up what is under way. */
  async stop(): Promise<void> {
    this.end.abort();
    await this.turn;
  }

  private async look(step: number): Promise<void> {
    const { signal } = this.end;
    if (signal.aborted) return;
    const { folder, plan, player, onLook, log } = this.run;
    const out = join(folder.path, 'rollouts', stepName(step));
    let tasks: readonly TaskLook[] = [];
    let failed: string | undefined;
    let full = false;
    try {
      await rm(out, { recursive: true, force: true });
      tasks = await player.play(folder.checkpoint(step), plan, out, signal);
    } catch (error) {
      failed = (error as Error).message;
      full = isUnwritable(error);
    }
    if (signal.aborted) return;
    if (full) {
      this.waiting.delete(step);
      return log(`rollouts at step ${step} failed: ${failed} They are played when the run is resumed.`);
    }
    await folder.appendAll(
      'rollouts.jsonl',
      failed === undefined ? tasks.map((look) => ({ step, ...look })) : [{ step, failed }],
    );
    this.waiting.delete(step);
    if (failed === undefined) log(lookLine(step, tasks));
    else log(`rollouts at step ${step} failed: ${failed}`);
    await onLook(step, tasks);
  }
}

/** The mean over tasks. */
export const meanOf = (tasks: readonly TaskLook[], measure: 'q' | 'success'): number =>
  tasks.reduce((sum, look) => sum + look[measure], 0) / tasks.length;

function lookLine(step: number, tasks: readonly TaskLook[]): string {
  const each = tasks.map(({ task, q, success, episodes }) => {
    const done = Math.round(success * episodes);
    return `${task} ${q.toFixed(2)} (${done} of ${episodes} succeed)`;
  });
  return `rollouts at step ${step}: q ${meanOf(tasks, 'q').toFixed(3)} · ${each.join(', ')}`;
}

import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import type { StatisticsState } from '../../action/index.ts';
import { readJson, writeFileAside } from '../../base/index.ts';
import { PackedState, packState, unpackState } from './statisticsJob.ts';

const File = z.object({ plan: z.string(), done: z.array(z.number().int().nonnegative()), state: PackedState });

/** Statistics on their way: a file that says which jobs are in the sums. One of another plan is no use, and goes. */
export class UnfinishedStatistics {
  private constructor(
    private readonly path: string,
    private readonly plan: string,
    /** What a run that ended before has added. */
    readonly before: { readonly done: ReadonlySet<number>; readonly state: StatisticsState } | undefined,
  ) {}

  /** @param result the file that will hold the statistics @param plan tells these sums from others */
  static async open(result: string, plan: string): Promise<UnfinishedStatistics> {
    const path = join(dirname(result), `.${basename(result)}.part`);
    const found = existsSync(path) ? await readJson(path, File).catch(() => undefined) : undefined;
    const before =
      found?.plan === plan ? { done: new Set(found.done), state: unpackState(path, found.state) } : undefined;
    return new UnfinishedStatistics(path, plan, before);
  }

  async save(done: Iterable<number>, state: StatisticsState): Promise<void> {
    const file = { plan: this.plan, done: [...done].sort((a, b) => a - b), state: packState(state) };
    await writeFileAside(this.path, JSON.stringify(file));
  }

  /** The result is written. */
  async remove(): Promise<void> {
    await rm(this.path, { force: true });
  }
}

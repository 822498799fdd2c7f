import { relative } from 'node:path';
import { isUnwritable, significant, ValetError } from '../base/index.ts';
import type { RawBatch } from '../data/index.ts';
import { sampleNames } from './badSamples.ts';
import type { TrainingBatch } from './batch.ts';
import { DeadData, type DeadPart, deadWords } from './deadData.ts';
import { stepName } from './folder.ts';
import { NormGuard } from './normGuard.ts';
import type { Run } from './run.ts';
import { pagePath, writeSamplePage } from './samplePage.ts';
import type { StepReport } from './trainerOptions.ts';

/** What an update is made from. */
export interface MadeBatch {
  readonly batch: TrainingBatch;
  readonly source: RawBatch;
}

/** Pages of one run of the command; of more events, the lines alone. */
const MOST_PAGES = 20;

/** Samples of the page of what lies far. */
const MOST_FAR = 8;

/**
 * Stops a run, or lets it pass over an update, by the rules of `guard`: losses and gradients that are not finite, norms
 * that explode, data that never change. It names the samples, and shows them on a page beside the run.
 */
export class Guard {
  skippedUpdates: number;
  private readonly norms: NormGuard;
  private readonly dead: DeadData;
  private found: readonly DeadPart[] = [];
  private inARow = 0;
  private pages = 0;

  /** @param remake makes the batch of a step again: its buffers went to the trainer */
  constructor(
    private readonly run: Run,
    { skippedUpdates, norms }: { skippedUpdates: number; norms: readonly number[] },
    private readonly remake: (step: number) => Promise<MadeBatch>,
  ) {
    const { guard } = run.config;
    this.skippedUpdates = skippedUpdates;
    this.norms = new NormGuard(guard, norms);
    this.dead = new DeadData(run.robot, guard.window);
  }

  /** The largest norm that the next update may have. */
  get limit(): number | undefined {
    return this.norms.limit;
  }

  /** What a checkpoint must hold of it. */
  get state(): readonly number[] {
    return this.norms.state;
  }

  /** Looks at the batch of a step, from 0, before it goes to the trainer. */
  see(step: number, raw: RawBatch): void {
    if (this.run.config.guard.deadData !== 'off') this.found = this.dead.see(step, raw);
  }

  /** Shows the samples that lie farthest outside the statistics, on a page of their own. */
  async showFar(make: (raw: RawBatch) => TrainingBatch): Promise<void> {
    const { far, data, log, folder } = this.run;
    if (far.length === 0) return;
    const source = await data.store.gather([...new Set(far.map(({ sample }) => sample))].slice(0, MOST_FAR));
    const made = { batch: make(source), source };
    const title = `Far outside the statistics in ${far.length} dimensions`;
    const names = sampleNames(data.store, source);
    const page = await this.page('far', title, ['Is the range of the statistics too narrow?'], made, names);
    if (page !== undefined) log(`${folder.path}/${page} shows what lies farthest outside the statistics`);
  }

  /** After update `step`. @throws ValetError when a rule ends the run; the last checkpoint stands */
  async judge(step: number, report: StepReport): Promise<void> {
    const found = this.found;
    this.found = [];
    if (found.length > 0) await this.tellDead(step, found);
    if (report.applied) {
      this.inARow = 0;
      this.norms.add(report.gradientNorm);
      return;
    }
    this.inARow++;
    this.skippedUpdates++;
    await this.tellSkipped(step, report);
  }

  private async tellSkipped(step: number, { losses, gradientNorm }: StepReport): Promise<void> {
    const { folder, config, data, log } = this.run;
    const { guard } = config;
    const wrong = Object.entries(losses).find(([, value]) => !Number.isFinite(value));
    const finite = wrong === undefined && Number.isFinite(gradientNorm);
    const rule = finite ? guard.explosion : guard.notFinite;
    const reason = finite
      ? `the norm of the gradient is ${significant(gradientNorm)}, above ${guard.factor} × ` +
        `${significant(this.norms.median ?? 0)}, the running median`
      : wrong
        ? `${wrong[0]} is ${wrong[1]}`
        : `the norm of the gradient is ${gradientNorm}`;
    const made = await this.remake(step - 1);
    const samples = sampleNames(data.store, made.source);
    const stop = rule === 'stop' || this.inARow >= guard.mostSkipped;
    const words = Object.entries(losses).map(([name, value]) => `${name} ${significant(value)}`);
    const title = `Update ${step}: ${reason}`;
    const done = stop ? 'The run was stopped.' : 'The update was left out.';
    const page = await this.page(
      `step-${stepName(step)}`,
      title,
      [done, `Losses: ${words.join(', ')}.`],
      made,
      samples,
    );
    // Numbers that JSON does not know are said in words.
    await folder.append('skipped.jsonl', { step, reason, gradientNorm: number(gradientNorm), samples, page });
    const where = page === undefined ? '' : ` ${folder.path}/${page} shows its samples.`;
    if (stop)
      throw new ValetError(
        folder.path,
        `stopped at step ${step}: ${reason}` +
          `${rule === 'stop' ? '' : `, and ${this.inARow} updates in a row were left out`}.${where} Lower ` +
          'schedule.peak, mend the samples that skipped.jsonl names, or change the rule (guard); --resume goes on ' +
          'from the newest checkpoint.',
      );
    log(`update ${step} left out: ${reason}.${where}`);
  }

  private async tellDead(step: number, found: readonly DeadPart[]): Promise<void> {
    const { folder, config, data, log } = this.run;
    const { window, deadData } = config.guard;
    const made = await this.remake(step - 1);
    const samples = sampleNames(data.store, made.source);
    const what = `constant over ${window} batches: ${deadWords(found)}`;
    const note = 'Nothing can be learned from what never changes. Is that so in the robot, too?';
    const page = await this.page(`dead-${stepName(step)}`, `Up to update ${step} ${what}`, [note], made, samples);
    const where = page === undefined ? '' : ` ${folder.path}/${page} shows samples.`;
    if (deadData === 'stop')
      throw new ValetError(
        folder.path,
        `stopped at step ${step}: ${what}; seen last in ${samples.slice(0, 2).join(', ')}.${where} Mend the data, or ` +
          'set guard.deadData to tell; --resume goes on from the newest checkpoint.',
      );
    log(`${what}.${where}`);
  }

  private async page(
    name: string,
    title: string,
    lines: readonly string[],
    { batch, source }: MadeBatch,
    names: readonly string[],
  ): Promise<string | undefined> {
    if (this.pages++ >= MOST_PAGES) return undefined;
    const { folder, robot, config, statistics } = this.run;
    const path = pagePath(folder.path, name);
    const { cameras, imageSize } = config.model;
    const context = { robot, cameras, imageSize, statistics };
    try {
      await writeSamplePage(path, { title, lines, batch, raw: source, names }, context);
    } catch (error) {
      if (!isUnwritable(error)) throw error;
      return undefined; // the samples are named all the same
    }
    return relative(folder.path, path);
  }
}

const number = (x: number): number | string => (Number.isFinite(x) ? x : String(x));

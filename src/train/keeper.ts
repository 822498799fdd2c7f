import { codeVersion, isUnwritable, ValetError } from '../base/index.ts';
import type { PolicySession } from '../model/index.ts';
import { type BestRule, bestOf, isBetter, type Score, scoresOf, selectionWords } from './bestRule.ts';
import type { Carried } from './carried.ts';
import type { RunConfig } from './config.ts';
import type { LookPlan } from './lookPlan.ts';
import { removable } from './retention.ts';
import type { Run } from './run.ts';
import { type CheckpointContent, type SavedState, saveTrainingCheckpoint } from './save.ts';
import { stateInPlace } from './stateInPlace.ts';
import type { TrainerSnapshot } from './trainerOptions.ts';

/** Between two tries to save, where the disk took nothing. */
const RETRY_MS = 30_000;

/**
 * Keeps a run's checkpoints: takes the state between two updates and writes it while the next ones are made, points
 * `latest` and `best` at theirs, and removes what need not stay. One thing after the other.
 */
export class CheckpointKeeper {
  private turn: Promise<void> = Promise.resolve();
  /** The newest step that was asked for, and the newest that is on the disk. */
  private newest: number;
  private whole: number;
  private failure: unknown;
  private failed: { readonly step: number; readonly at: number } | undefined;

  constructor(
    private readonly run: Run,
    private readonly watch: {
      readonly best: BestRule | undefined;
      readonly plan: LookPlan | undefined;
      /** Steps that wait for their rollouts. */
      readonly pending: () => ReadonlySet<number>;
      /** What a checkpoint holds beside the trainer's state. */
      readonly carried: () => Carried;
      /** Hears of each checkpoint that is whole. */
      readonly onSaved: (step: number) => void;
    },
  ) {
    this.newest = run.start;
    this.whole = run.start;
  }

  /** The step of the newest checkpoint that is whole. */
  get step(): number {
    return this.whole;
  }

  /** Whether the last state that was to be saved is not on the disk, which takes nothing. */
  get unsaved(): boolean {
    return this.failed !== undefined;
  }

  /** Whether it is time to try again. */
  get retryDue(): boolean {
    return this.failed !== undefined && performance.now() - this.failed.at > RETRY_MS;
  }

  /** @throws what went wrong beside the updates */
  check(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  /**
   * Takes the state as it is now; its writing goes on beside what follows. Layer by layer there is no memory for a
   * copy: what follows waits until it is written. @throws what became of the one before
   */
  async save(step: number): Promise<void> {
    await this.turn;
    const { client, config, ranks } = this.run;
    const inPlace = config.layerwise && !ranks;
    const snapshot = inPlace
      ? await stateInPlace(client, step, config)
      : await client.call<TrainerSnapshot>('snapshot');
    const carried = this.watch.carried();
    this.newest = step;
    this.next(() => this.tryWriting(step, snapshot, carried));
    if (inPlace) await this.turn;
  }

  /** A new score may make another checkpoint the best, or an old one needless. */
  review(): void {
    this.next(() => this.settle());
  }

  /** Waits until everything is on the disk. @throws what went wrong there */
  settled(): Promise<void> {
    return this.turn;
  }

  /** Whether this score would be the best so far, so that its weights are worth a checkpoint. */
  async wouldBeBest({ step, value }: Score): Promise<boolean> {
    const { best } = this.watch;
    if (!best || !Number.isFinite(value)) return false;
    const before = bestOf(
      best,
      (await this.scores(best)).filter((score) => score.step < step),
    );
    return !before || isBetter(best, value, before.value);
  }

  private next(work: () => Promise<void>): void {
    this.turn = this.turn.then(work);
    this.turn.catch((error: unknown) => {
      this.failure ??= error;
    });
  }

  /** A disk that takes nothing ends the run, or leaves this state unsaved, as the run is told. */
  private async tryWriting(step: number, snapshot: SavedState, carried: Carried): Promise<void> {
    try {
      await this.write(step, snapshot, carried);
    } catch (error) {
      if (!isUnwritable(error) || this.run.options.whenFull !== 'go-on') throw this.notSaved(step, error);
      if (!this.failed)
        this.run.log(`step ${step} is not saved: ${(error as Error).message} Training goes on; ${this.lastGood}.`);
      this.failed = { step, at: performance.now() };
      return;
    }
    if (this.failed) this.run.log(`saved again, at step ${step}`);
    this.failed = undefined;
    this.whole = step;
    this.watch.onSaved(step);
    await this.settle();
  }

  /** What a state that cannot be saved means, and what to do. */
  notSaved(step: number, cause: unknown): ValetError {
    return new ValetError(
      this.run.folder.path,
      `step ${step} could not be saved: ${(cause as Error).message} ${this.lastGood}. Make room, then go on with ` +
        '--resume; --when-full go-on trains on without saving until there is room.',
      'failure',
      { cause },
    );
  }

  private get lastGood(): string {
    const { whole } = this;
    return whole === 0
      ? 'there is no checkpoint yet'
      : `the last good checkpoint is ${this.run.folder.checkpoint(whole)}`;
  }

  private async write(step: number, snapshot: SavedState, carried: Carried): Promise<void> {
    const { folder, config, robot, statistics, tokenizer, record, tasks, seed, frozen } = this.run;
    const { data, dataFingerprint, steps, init, versions } = record;
    const { lora } = config;
    const made = { step, steps, seed, batch: config.batch, tasks, data, dataFingerprint, init, versions };
    await saveTrainingCheckpoint(folder.checkpoint(step), snapshot, {
      ...{ model: config.model, lora, frozen },
      robot,
      statistics,
      tokenizer,
      policy: policyOf(config),
      card: { ...made, ...(lora && { lora }), code: codeVersion() },
      carried,
    });
    // Its lines belong to it: a run that goes on from here writes only later ones.
    await folder.flush();
    await folder.publish(step);
  }

  /** Points `best` at the best one, and removes what need not stay. */
  private async settle(): Promise<void> {
    const { folder, config } = this.run;
    const there = (await folder.checkpointTimes()).filter(({ step }) => step <= this.newest);
    const spared = new Set(this.watch.pending());
    const { best: rule, plan } = this.watch;
    if (rule) {
      const scores = (await this.scores(rule)).filter(({ step }) => step <= this.newest);
      const best = bestOf(
        rule,
        scores.filter((score) => there.some(({ step }) => step === score.step)),
      );
      if (best) {
        spared.add(best.step);
        await folder.markBest(best.step, selectionWords(rule, scores, plan));
      }
    }
    await folder.remove(removable(there, config, spared));
  }

  private async scores(rule: BestRule): Promise<Score[]> {
    return scoresOf(rule, await this.run.folder.lines(rule.file));
  }
}

/** What a configuration says of planning, without what it leaves to the defaults. */
function policyOf({ samplingSteps, noiseScale: scale, session }: RunConfig): CheckpointContent['policy'] {
  const said = Object.entries(session).filter(([, value]) => value !== null);
  return {
    samplingSteps,
    noiseScale: scale ?? 1,
    ...(said.length > 0 && { session: Object.fromEntries(said) as PolicySession }),
  };
}

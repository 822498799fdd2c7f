import type { Observation, PolicyNote } from '../../robot/index.ts';
import type { ActionSource, Step } from './actionSource.ts';

/** What a robot's session does, for metrics and logs. */
export interface SessionEvents {
  onReset?(): void;
  onReply?(ms: number, note: PolicyNote | undefined): void;
  onRule?(rule: string, reason: string | undefined): void;
  onStage?(stage: number, before: number): void;
}

/** One robot of a session: what moves it, and the stage that it was last said to be in. */
export class RobotRow {
  private stage = 0;

  constructor(
    readonly source: ActionSource,
    private readonly events: SessionEvents | undefined,
  ) {}

  async reset(): Promise<void> {
    await this.source.reset();
    this.stage = 0;
  }

  /** @throws RangeError when the source breaks its word and gives no step */
  async act(observation: Observation, count: number): Promise<readonly Step[]> {
    const steps = await this.source.act(observation, count);
    if (steps.length === 0) throw new RangeError('the source of actions gave none');
    return steps;
  }

  /** Its step was sent. */
  tell(note: PolicyNote | undefined, ms: number): void {
    const { events } = this;
    events?.onReply?.(ms, note);
    if (note?.rule) events?.onRule?.(note.rule, note.reason);
    const stage = note?.stage ?? this.stage;
    if (stage !== this.stage) events?.onStage?.(stage, this.stage);
    this.stage = stage;
  }
}

import { InputError } from '../base/index.ts';
import type { Robot } from '../robot/index.ts';
import { type Moment, type Recovery, recover } from './recovery.ts';
import type { ResolvedOptions } from './sessionOptions.ts';
import { float32, toBase64 } from './sessionSnapshot.ts';

/** What a session remembers of its last steps, as plain JSON. */
export interface LookBackSnapshot {
  /** [moments, 2, width] float32, base64: state and action of each. */
  readonly past: string;
  readonly rest: number;
  readonly recoveries: number;
  readonly fresh: boolean;
}

/** What is looked back from. */
export interface LookBackSituation {
  readonly task: number;
  readonly stage: number;
  /** [width] */
  readonly state: Float32Array;
}

/**
 * The last steps of an episode, and the recovery rules that look back at them. Without such a rule nothing is kept.
 */
export class LookBack {
  private past: Moment[] = [];
  /** Steps until a rule may speak again. */
  private rest = 0;
  private recoveries = 0;
  /**
   * The state has not been followed by an action yet; a client that takes several actions at once looks only before the
   * first.
   */
  private fresh = false;

  constructor(private readonly options: Pick<ResolvedOptions, 'robot' | 'rules' | 'recovery' | 'context'>) {}

  private get on(): boolean {
    return this.options.rules.recoveries.length > 0;
  }

  startOver(): void {
    this.past = [];
    this.rest = 0;
    this.recoveries = 0;
    this.fresh = false;
  }

  /** The robot looked: the next action is one of which the state before it is known. */
  looked(): void {
    this.fresh = true;
  }

  /** The way back that a rule asks for now; the steps before it are forgotten. */
  recovery({ task, stage, state }: LookBackSituation): Recovery | undefined {
    const { options, past } = this;
    if (!this.on || task === -1 || this.rest > 0 || this.recoveries >= options.recovery.limit) return undefined;
    const { rules, context } = options;
    const found = recover(
      { task, stage, past, state },
      { rules: rules.recoveries, settings: options.recovery, context },
    );
    if (!found) return undefined;
    this.past = [];
    this.rest = found.rows + options.recovery.rest;
    this.recoveries++;
    return found;
  }

  /** Takes note of a step: the action [width] that followed `state`; `own` is one of a rule's way back. */
  remember(state: Float32Array | undefined, action: Float32Array, own: boolean): void {
    if (!this.on) return;
    if (this.rest > 0) this.rest--;
    if (own || !state || !this.fresh) return;
    this.fresh = false;
    this.past.push({ state, action });
    if (this.past.length > this.options.recovery.memory) this.past.shift();
  }

  snapshot(): LookBackSnapshot {
    const { width } = this.options.robot;
    const past = new Float32Array(this.past.length * 2 * width);
    this.past.forEach(({ state, action }, i) => {
      past.set(state, 2 * i * width);
      past.set(action, (2 * i + 1) * width);
    });
    const { rest, recoveries, fresh } = this;
    return { past: toBase64(past), rest, recoveries, fresh };
  }

  /** @param past the moments of a snapshot, as `momentsOf` reads them */
  restore({ rest, recoveries, fresh }: LookBackSnapshot, past: readonly Moment[]): void {
    this.past = [...past];
    this.rest = rest;
    this.recoveries = recoveries;
    this.fresh = fresh;
  }
}

/** The moments of a snapshot. @throws InputError when they are not whole */
export function momentsOf({ past }: LookBackSnapshot, { width }: Robot): Moment[] {
  const numbers = float32(past);
  if (numbers.length % (2 * width) !== 0)
    throw new InputError('session.restore', 'the remembered steps are not whole.');
  return Array.from({ length: numbers.length / (2 * width) }, (_, i) => ({
    state: numbers.subarray(2 * i * width, (2 * i + 1) * width),
    action: numbers.subarray((2 * i + 1) * width, (2 * i + 2) * width),
  }));
}

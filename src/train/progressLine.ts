import { duration } from '../base/index.ts';
import type { Losses } from './losses.ts';

export interface Pace {
  readonly step: number;
  readonly steps: number;
  readonly losses: Losses;
  readonly learningRate: number;
  readonly samplesPerSecond: number;
  /** Share of the machine's matrix-product peak, 0…1; absent when the peak is not known. */
  readonly peakShare?: number;
  /** Share of the time that updates waited for their batch, 0…1. */
  readonly dataWait: number;
  /** Of several ranks: milliseconds of an update for the exchange, and for the slowest of them. */
  readonly reduce?: number;
  readonly rankWait?: number;
  readonly secondsLeft: number;
  /** Updates that were left out so far. */
  readonly skippedUpdates: number;
}

/** One line of training as a person reads it. */
export function progressLine(pace: Pace): string {
  const { loss = Number.NaN, stage_accuracy: accuracy, ...rest } = pace.losses;
  const parts = Object.entries(rest).map(([name, value]) => `${name.replace('loss/', '')} ${short(value)}`);
  if (accuracy !== undefined) parts.push(`right stage ${percent(accuracy)}`);
  return [
    `step ${pace.step}/${pace.steps}`,
    `loss ${short(loss)} (${parts.join(', ')})`,
    `lr ${pace.learningRate.toExponential(1)}`,
    `${pace.samplesPerSecond.toFixed(0)} ` +
      `samples/s${pace.peakShare === undefined ? '' : `, ${percent(pace.peakShare)} of peak`}`,
    `data wait ${percent(pace.dataWait)}`,
    ...(pace.reduce === undefined
      ? []
      : [`reduce ${short(pace.reduce)} ms`, `rank wait ${short(pace.rankWait ?? 0)} ms`]),
    ...(pace.skippedUpdates > 0 ? [`${pace.skippedUpdates} updates skipped`] : []),
    `${duration(pace.secondsLeft)} left`,
  ].join(' · ');
}

const percent = (x: number): string => `${(100 * x).toFixed(0)} %`;
const short = (x: number): string => (Math.abs(x) < 0.01 && x !== 0 ? x.toExponential(1) : x.toPrecision(3));

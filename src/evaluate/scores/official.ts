import type { HomeTask } from '../../home/index.ts';

/** What the official JSON is made from. */
export interface Measured {
  readonly q: number;
  readonly steps: number;
  /** Metres travelled. */
  readonly distance: { readonly base: number; readonly left: number; readonly right: number };
}

/** What stands for the challenge's human in the normalised values: the expert's means. */
export type Reference = Pick<HomeTask, 'meanExpertSteps' | 'meanExpertMetres'>;

/**
 * The challenge's record of one rollout (docs/facts.md#scores): normalised values are human / agent.
 * @param rate control steps a second
 */
export function officialRecord({ q, steps, distance }: Measured, reference: Reference, rate: number) {
  const human = { steps: reference.meanExpertSteps, distance: reference.meanExpertMetres };
  return {
    agent_distance: { base: distance.base, left: distance.left, right: distance.right },
    normalized_agent_distance: {
      base: ratio(human.distance.base, distance.base),
      left: ratio(human.distance.left, distance.left),
      right: ratio(human.distance.right, distance.right),
    },
    q_score: { final: q },
    time: { simulator_steps: steps, simulator_time: steps / rate, normalized_time: ratio(human.steps, steps) },
  };
}

/**
 * As text, the way the official evaluator writes it: infinite values are the word `Infinity`, which its reader
 * understands.
 */
export function officialJson(measured: Measured, reference: Reference, rate: number): string {
  const text = JSON.stringify(
    officialRecord(measured, reference, rate),
    (_key, value) => (value === Number.POSITIVE_INFINITY ? '\u0000inf' : value),
    4,
  );
  return `${text.replaceAll('"\\u0000inf"', 'Infinity')}\n`;
}

const ratio = (human: number, agent: number): number => (agent === 0 ? Number.POSITIVE_INFINITY : human / agent);

import type { PlanLine, StepLine } from '../rollouts/index.ts';

/** What one recording, or several, tell of the method. */
export interface MethodFacts {
  /** Milliseconds of each plan, ascending. */
  readonly planMs: readonly number[];
  /** Milliseconds in all of the parts of the plans that tell them, and how many these are. */
  readonly parts: {
    readonly plans: number;
    readonly prepare: number;
    readonly prefix: number;
    readonly denoise: number;
  };
  /** Plans that tell a stage where the true one is known, and how many were right before and after the vote. */
  readonly stages: { readonly plans: number; readonly raw: number; readonly voted: number };
}

const NO_FACTS: MethodFacts = {
  planMs: [],
  parts: { plans: 0, prepare: 0, prefix: 0, denoise: 0 },
  stages: { plans: 0, raw: 0, voted: 0 },
};

/** @param steps of one recording @param plans of the same; none in older ones */
export function methodFacts(
  steps: readonly Pick<StepLine, 'predicted' | 'stage' | 'truth'>[],
  plans: readonly PlanLine[],
): MethodFacts {
  const told = steps.filter(({ predicted, truth }) => predicted !== undefined && truth !== undefined);
  const parted = plans.filter(({ denoiseMs }) => denoiseMs !== undefined);
  const sum = (of: (plan: PlanLine) => number | undefined) =>
    parted.reduce((total, plan) => total + (of(plan) ?? 0), 0);
  return {
    planMs: plans.map(({ ms }) => ms).sort((a, b) => a - b),
    parts: {
      plans: parted.length,
      prepare: sum(({ prepareMs }) => prepareMs),
      prefix: sum(({ prefixMs }) => prefixMs),
      denoise: sum(({ denoiseMs }) => denoiseMs),
    },
    stages: {
      plans: told.length,
      raw: told.filter(({ predicted, truth }) => predicted === truth).length,
      voted: told.filter(({ stage, truth }) => stage === truth).length,
    },
  };
}

/** The facts of several recordings together. */
export function addFacts(all: readonly MethodFacts[]): MethodFacts {
  const total = <T extends object>(of: (facts: MethodFacts) => T, none: T): T =>
    Object.fromEntries(
      Object.keys(none).map((key) => [key, all.reduce((sum, facts) => sum + (of(facts)[key as keyof T] as number), 0)]),
    ) as T;
  return {
    planMs: all.flatMap(({ planMs }) => planMs).sort((a, b) => a - b),
    parts: total(({ parts }) => parts, NO_FACTS.parts),
    stages: total(({ stages }) => stages, NO_FACTS.stages),
  };
}

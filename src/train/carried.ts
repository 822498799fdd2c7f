import { z } from 'zod';

/** A number as JSON keeps it: what is not finite, as its name. */
const AnyNumber = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity'])]).transform(Number);

/** Sums over the samples of one task. */
const TaskSum = z.object({ samples: AnyNumber, action: AnyNumber, stage: AnyNumber, right: AnyNumber });
export type TaskSum = z.infer<typeof TaskSum>;

const Untold = z.object({
  /** Of each update, oldest first. */
  losses: z.array(z.record(z.string(), AnyNumber)),
  /** The sum of the gradients' norms. */
  norms: AnyNumber,
  /** Sums by task id. */
  tasks: z.array(z.tuple([z.number(), TaskSum])),
});
/** Updates that no line of `metrics.jsonl` tells of yet. */
export type Untold = Readonly<z.infer<typeof Untold>>;

/** What a checkpoint holds beside weights and moments, so that a run goes on to the same judgements and lines. */
export interface Carried {
  /** Of the gradients of the updates before, for the guard. */
  readonly norms: readonly number[];
  readonly untold: Untold;
}

/** Before the first update. */
export const NOTHING_CARRIED: Carried = { norms: [], untold: { losses: [], norms: 0, tasks: [] } };

/** As the strings that stand beside a checkpoint's arrays. */
export function carriedText({ norms, untold }: Carried): Record<string, string> {
  const named = (_key: string, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  return { norms: JSON.stringify(norms), untold: JSON.stringify(untold, named) };
}

/** The schema of those strings; older checkpoints lack one or both. */
export const CarriedText = z
  .object({ norms: z.string().default('[]'), untold: z.string().default(JSON.stringify(NOTHING_CARRIED.untold)) })
  .transform(({ norms, untold }): unknown => ({ norms: JSON.parse(norms), untold: JSON.parse(untold) }))
  .pipe(z.object({ norms: z.array(z.number()), untold: Untold }));

import { InputError, numberRanges } from '../../base/index.ts';
import { INSTANCE_RANGES, instanceIds, type Split, splitOf } from '../../home/index.ts';

/** One rollout to be made: the n-th of a task's instance. */
export interface Unit {
  readonly task: string;
  readonly instance: number;
  readonly rollout: number;
}

/** `<task>_<instance>_<rollout>`: the name of the unit's files. */
export const unitName = ({ task, instance, rollout }: Unit): string => `${task}_${instance}_${rollout}`;

/**
 * The instances that a text names: a split (`public`, `hidden`, `train`) or numbers (`0-19`, `3,7,12-14`); the first
 * `episodes` of them.
 * @throws InputError for anything else, for a number that no split has, and for fewer numbers than `episodes`
 */
export function parseInstances(text: string, episodes?: number): number[] {
  if (text in INSTANCE_RANGES) return instanceIds(text as Split, episodes ?? 10);
  const named = numberRanges(text, { digits: 15, most: 100_000 });
  if (!named)
    throw new InputError(
      '--instances',
      `"${text}" names no instances. Write public, hidden, train, or numbers such as 0-19 or 3,7.`,
    );
  if (episodes !== undefined && episodes > named.length)
    throw new InputError(
      '--episodes',
      `${episodes} were asked for, and --instances ${text} names ${named.length}. Name more, or leave --episodes out.`,
    );
  const chosen = named.slice(0, episodes);
  for (const instance of chosen) splitOf(instance);
  return chosen;
}

/** Every task's units; the tasks take turns, so that a half-done evaluation has seen all of them. */
export function unitsOf(tasks: readonly string[], instances: readonly number[], rollouts = 1): Unit[] {
  return Array.from({ length: rollouts }, (_, rollout) =>
    instances.flatMap((instance) => tasks.map((task) => ({ task, instance, rollout }))),
  ).flat();
}

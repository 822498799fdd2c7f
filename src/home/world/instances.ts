import { InputError } from '../../base/index.ts';

/**
 * The version of the scenes: raised whenever an instance's number comes to mean another scene, or the robot moves or
 * sees otherwise. Results and data of different versions are not comparable. 1: three walls, the same furniture
 * everywhere. 2: four walls that stop the robot, furniture by instance, a radio that looks on when it is on.
 */
export const SCENE_VERSION = '2';

export type Split = 'public' | 'hidden' | 'train';

/**
 * First and one past the last instance of each split. An instance is its number: the scene follows from task and
 * number.
 */
export const INSTANCE_RANGES: Readonly<Record<Split, readonly [number, number]>> = {
  public: [0, 10_000],
  hidden: [10_000, 20_000],
  train: [1_000_000, Number.MAX_SAFE_INTEGER],
};

/**
 * `count` instances of a split from the `offset`-th on.
 * @throws InputError beyond the split's range: splits never overlap
 */
export function instanceIds(split: Split, count: number, offset = 0): number[] {
  const [first, end] = INSTANCE_RANGES[split];
  if (
    !Number.isSafeInteger(count) ||
    !Number.isSafeInteger(offset) ||
    count < 0 ||
    offset < 0 ||
    first + offset + count > end
  )
    throw new InputError(
      'instanceIds',
      `the ${split} split has ${end - first} instances (got offset ${offset}, count ${count}). Choose fewer.`,
    );
  return Array.from({ length: count }, (_, i) => first + offset + i);
}

/**
 * Hidden instances serve no choice: not of a checkpoint, a setting or a rule, and no training. Whoever chooses asks
 * here first.
 * @throws InputError when there is a hidden one among them
 */
export function refuseHidden(where: string, instances: readonly number[], instead: string): void {
  const hidden = instances.filter((instance) => splitOf(instance) === 'hidden');
  if (hidden.length > 0)
    throw new InputError(
      where,
      `${hidden.length === 1 ? 'instance' : 'instances'} ${hidden.slice(0, 3).join(', ')}` +
        `${hidden.length > 3 ? ` … (${hidden.length})` : ''} of the hidden split (expected train or public ones): ` +
        `hidden instances serve no choice. ${instead}`,
    );
}

/** The split that an instance number belongs to. */
export function splitOf(instance: number): Split {
  for (const [split, [first, end]] of Object.entries(INSTANCE_RANGES))
    if (Number.isSafeInteger(instance) && instance >= first && instance < end) return split as Split;
  throw new InputError(
    'splitOf',
    `no split has instance ${instance} (public 0…9999, hidden 10000…19999, train from 1000000).`,
  );
}

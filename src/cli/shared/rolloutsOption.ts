import { InputError, nearest } from '../../base/index.ts';
import type { RolloutPlayer, TrainOptions } from '../../train/index.ts';

export type RolloutsOption = NonNullable<TrainOptions['rollouts']>;

export const ROLLOUTS_HELP =
  'household episodes beside the training: every=500,tasks=all,episodes=5; also seed=TEXT (look) and max-steps=N; ' +
  "tasks are joined by +, all are the data's";

const KEYS = ['every', 'tasks', 'episodes', 'seed', 'max-steps'];

/** @throws InputError for an unknown or missing key, or a value that does not fit */
export function parseRollouts(text: string): RolloutsOption {
  const given = new Map<string, string>();
  for (const pair of text.split(',')) {
    const [key = '', value, more] = pair.split('=');
    if (!KEYS.includes(key)) {
      const guess = nearest(key, KEYS);
      throw new InputError(
        '--rollouts',
        `there is no '${key}'. ${guess ? `Did you mean '${guess}'?` : `Known: ${KEYS.join(', ')}.`}`,
      );
    }
    if (value === undefined || value === '' || more !== undefined)
      throw new InputError('--rollouts', `'${pair}' is not of the form ${key}=VALUE.`);
    if (given.has(key)) throw new InputError('--rollouts', `${key} is given twice. Give it once.`);
    given.set(key, value);
  }
  const count = (key: string): number | undefined => {
    const value = given.get(key);
    if (value !== undefined && !/^[1-9]\d{0,8}$/.test(value))
      throw new InputError('--rollouts', `${key} must be a whole number above 0 (got ${value}).`);
    return value === undefined ? undefined : Number(value);
  };
  const needed = <T>(value: T | undefined, key: string): T => {
    if (value === undefined)
      throw new InputError('--rollouts', `needs ${key} (expected such as every=500,tasks=all,episodes=5).`);
    return value;
  };
  const tasks = needed(given.get('tasks'), 'tasks');
  const maxSteps = count('max-steps');
  return {
    every: needed(count('every'), 'every'),
    tasks: tasks === 'all' ? 'all' : tasks.split('+'),
    episodes: needed(count('episodes'), 'episodes'),
    seed: given.get('seed') ?? 'look',
    ...(maxSteps !== undefined && { maxSteps }),
  };
}

/** The household is loaded when the first episode is wanted. */
const household = async (): Promise<RolloutPlayer> => (await import('../../evaluate/index.ts')).householdPlayer;

export const lazyPlayer: RolloutPlayer = {
  tasks: async (...wanted) => (await household()).tasks(...wanted),
  play: async (...look) => (await household()).play(...look),
};

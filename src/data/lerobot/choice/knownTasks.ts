import { BEHAVIOR_TASKS, type Robot } from '../../../robot/index.ts';
import type { Info } from '../layout.ts';

/** A text without its case and signs: `Can meat.` and `can_meat` are the same. */
export const plainWords = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '_')
    .replace(/^_+|_+$/g, '');

const BY_NAME = new Map(BEHAVIOR_TASKS.map(({ name, id }) => [name, id]));
const BY_WORDS = new Map(BEHAVIOR_TASKS.map(({ name, id }) => [plainWords(name), id]));

/** Whether a set's sentences may be names of the challenge in other words: its robot is the challenge's. */
export const ofChallengeRobot = (info: Info, robot: Robot | undefined): boolean =>
  [info.robot_type, robot?.name, ...(robot?.types ?? [])].some((type) => /^r1[-_ ]?pro(-21)?$/i.test(type ?? ''));

/**
 * The challenge's number of the task that one of the texts names, the first that does.
 * @param sentences a name in other spelling counts too (`Can meat.`)
 */
export function challengeTask(texts: readonly (string | undefined)[], sentences: boolean): number | undefined {
  for (const text of texts) {
    if (text === undefined) continue;
    const id = BY_NAME.get(text) ?? (sentences ? BY_WORDS.get(plainWords(text)) : undefined);
    if (id !== undefined) return id;
  }
  return undefined;
}

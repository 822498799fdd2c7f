import { z } from 'zod';
import { InputError, readJson } from '../../base/index.ts';
import type { Annotation, Dataset } from '../lerobot/index.ts';
import { intervalsOf } from '../lerobot/index.ts';

/** One stage of a task: its name, and the skills of recordings that belong to it. */
const Stage = z.strictObject({ stage: z.string().min(1), skills: z.array(z.string().min(1)).min(1) });
/** The stages of each task, by name or sentence, in order. */
const StageMapping = z.record(z.string(), z.array(Stage).min(1));
export type StageMapping = z.infer<typeof StageMapping>;

/** @throws InputError when the file is none */
export const readStageMapping = (path: string): Promise<StageMapping> => readJson(path, StageMapping);

type Skill = Annotation['skill_annotation'][number];

/** A scene's own number behind the name of an object. */
const NUMBER = /_\d+$/;

/** What a skill is called in a mapping: what is done, and to what, such as `pick up from: radio`. */
function skillName(skill: Skill): string {
  const what = skill.skill_description?.join(' and ') ?? 'skill';
  const objects = (Array.isArray(skill['object_id']) ? skill['object_id'] : []).flat(2).map(String);
  const names = [...new Set(objects.map((name) => name.replace(NUMBER, '')))];
  return names.length > 0 ? `${what}: ${names.join(', ')}` : what;
}

/** Skills in the order in which they begin. */
const inOrder = ({ skill_annotation: skills }: Annotation): Skill[] =>
  [...skills].sort((a, b) => firstFrame(a) - firstFrame(b));
const firstFrame = (skill: Skill): number => Math.min(...intervalsOf(skill.frame_duration).map(([start]) => start));

/** A task's name in a mapping. */
export const taskKey = ({ tasks }: Dataset, taskIndex: number): string =>
  tasks.get(taskIndex)?.name ?? tasks.get(taskIndex)?.instruction ?? `task ${taskIndex}`;

/**
 * A mapping from what the set's own recordings do: of each task the episode with the middle number of skills decides
 * their order; they are cut into as many stages of equally many skills as the task has by time, or fewer.
 * @param stages of each task by id @throws InputError when an episode has no skills
 */
export async function proposedMapping(set: Dataset, stages: readonly number[]): Promise<StageMapping> {
  const mapping: StageMapping = {};
  for (const task of new Set(set.episodes.map(({ taskIndex }) => taskIndex))) {
    const found: string[][] = [];
    for (const episode of set.episodes)
      if (episode.taskIndex === task) found.push(inOrder(await skillsOf(set, episode)).map(skillName));
    found.sort((a, b) => a.length - b.length);
    const typical = (found[found.length >> 1] ?? []).filter((name, i, all) => name !== all[i - 1]);
    const count = Math.min(typical.length, stages[task] ?? typical.length);
    mapping[taskKey(set, task)] = Array.from({ length: count }, (_, i) => {
      const skills = typical.slice(
        Math.floor((i * typical.length) / count),
        Math.floor(((i + 1) * typical.length) / count),
      );
      return { stage: skills[0] ?? '', skills: [...new Set(skills)] };
    });
  }
  return mapping;
}

/** @throws InputError when an episode has no annotated skills */
export async function skillsOf(set: Dataset, episode: Dataset['episodes'][number]): Promise<Annotation> {
  const annotation = await set.annotation(episode);
  if (!annotation || annotation.skill_annotation.length === 0)
    throw new InputError(
      set.root,
      `episode ${episode.index} has no annotated skills. Take --from time, or choose others by --episodes.`,
    );
  return annotation;
}

/**
 * Stage per frame. A skill that stands in several stages is of the first one that is not before the stage under way,
 * else of the last one. Frames of a skill that stands in none, and those between skills, are of the stage under way.
 * @param unknown is told of skills that stand in none
 */
export function mappedStages(
  annotation: Annotation,
  stages: StageMapping[string],
  length: number,
  unknown: (name: string) => void,
): Uint16Array {
  const out = new Int32Array(length).fill(-1);
  let now = 0;
  for (const skill of inOrder(annotation)) {
    const name = skillName(skill);
    const what = skill.skill_description?.join(' and ');
    // The whole name goes before the bare one, which says nothing of objects.
    const having = (word: string | undefined) =>
      stages.flatMap(({ skills }, i) => (word !== undefined && skills.includes(word) ? [i] : []));
    const whole = having(name);
    const places = whole.length > 0 ? whole : having(what);
    if (places.length === 0) unknown(name);
    now = places.find((place) => place >= now) ?? places.at(-1) ?? now;
    for (const [start, end] of intervalsOf(skill.frame_duration))
      out.fill(now, Math.max(0, start), Math.min(length, end));
  }
  let before = Math.max(0, out.find((stage) => stage >= 0) ?? 0);
  for (let t = 0; t < length; t++) before = out[t] = (out[t] as number) >= 0 ? (out[t] as number) : before;
  return Uint16Array.from(out);
}

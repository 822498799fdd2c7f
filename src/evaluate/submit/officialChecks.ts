import { nearest, rangesText } from '../../base/index.ts';
import { BEHAVIOR_TASKS } from '../../robot/index.ts';
import { type Edition, knownTask, type TestSet } from './edition.ts';
import { rolloutKey } from './findFiles.ts';
import type { Finding, OfficialFile, OfficialFolder } from './officialFolder.ts';

/** What was found in a folder of results. Problems forbid a submission; notes do not. */
export interface Findings {
  readonly problems: readonly Finding[];
  readonly notes: readonly Finding[];
}

/** Looks at names, numbers, ranges, twins, and what is missing, by the rules of a year's challenge. */
export function checkOfficial(
  { files, problems: unread, notes: known }: Pick<OfficialFolder, 'files' | 'problems' | 'notes'>,
  edition: Edition,
  set?: TestSet,
): Findings {
  const problems: Finding[] = [...unread];
  const notes: Finding[] = [...known];
  for (const file of files) {
    const { record } = file;
    const say = (code: string, message: string) => problems.push({ code, where: file.file, message });
    checkName(file, edition, set, say, (message) => notes.push({ code: 'name', where: file.file, message }));
    if (!(record.q_score.final >= 0 && record.q_score.final <= 1))
      say('range', `q_score.final is ${record.q_score.final} (expected 0 to 1)`);
    if (record.success !== undefined && record.success !== (record.q_score.final === 1))
      say('contradiction', `success is ${record.success} and q is ${record.q_score.final}`);
    checkTime(file, edition, say);
    for (const part of ['base', 'left', 'right'] as const)
      for (const field of ['agent_distance', 'normalized_agent_distance'] as const)
        if (!(record[field][part] >= 0))
          say('range', `${field}.${part} is ${record[field][part]} (expected 0 or more)`);
    for (const part of ['base', 'left', 'right'] as const)
      if (record.agent_distance[part] === Infinity)
        say('range', `agent_distance.${part} is infinite (expected metres)`);
  }
  twins(files, problems, notes);
  missing(files, edition, set, problems, notes);
  return { problems, notes };
}

type Say = (code: string, message: string) => void;

function checkName(
  { task, instance, rollout, whole, record }: OfficialFile,
  { year, instances }: Edition,
  set: TestSet | undefined,
  say: Say,
  note: (message: string) => void,
): void {
  if (!whole) note('its name says no rollout; it is taken as rollout 0, as the challenge does');
  if (!knownTask(task)) {
    const guess = nearest(
      task,
      BEHAVIOR_TASKS.map(({ name }) => name),
    );
    const meant = guess ? ` Did you mean ${guess}?` : '';
    if (year === '2025') say('task', `${task} is no task of the challenge.${meant}`);
    else note(`${task} is none of the tasks 0 to 49; the names of the other fifty are not known here.${meant}`);
  }
  if (rollout !== 0) say('rollout', `rollout ${rollout} (the challenge counts one rollout of an instance, 0)`);
  const [from, to] = set ? instances[set] : [instances.public[0], instances.hidden[1]];
  if (instance < from || instance > to)
    say('instance', `instance ${instance} (expected ${from} to ${to}${set ? `, the ${set} ones` : ''})`);
  const inside: readonly (readonly [string, unknown, unknown])[] = [
    ['task', record.task, task],
    ['instance_id', record.instance_id, instance],
    ['rollout_id', record.rollout_id, rollout],
  ];
  for (const [field, value, named] of inside)
    if (value !== undefined && value !== named) say('contradiction', `${field} is ${value}, its name says ${named}`);
}

function checkTime({ task, record }: OfficialFile, edition: Edition, say: Say): void {
  const { simulator_steps: steps, normalized_time: normalized } = record.time;
  const known = knownTask(task);
  const most = known && edition.maxSteps(known) + 1;
  if (steps < 0) say('range', `simulator_steps is ${steps} (expected 0 or more)`);
  if (most !== undefined && steps > most)
    say('range', `simulator_steps is ${steps} (the time-out of ${edition.year} is ${most - 1})`);
  if (!(normalized > 0)) say('range', `normalized_time is ${normalized} (expected above 0: human steps / steps)`);
  // Versions of the evaluator count the last step in one of them alone.
  if (record.steps !== undefined && Math.abs(record.steps - steps) > 1)
    say('contradiction', `steps is ${record.steps}, simulator_steps is ${steps}`);
}

/** Two files of one rollout, and two rollouts that are alike in every byte. */
function twins(files: readonly OfficialFile[], problems: Finding[], notes: Finding[]): void {
  const byUnit = new Map<string, OfficialFile>();
  const byResult = new Map<string, OfficialFile>();
  for (const file of files) {
    const first = byUnit.get(rolloutKey(file));
    if (first) problems.push({ code: 'duplicate', where: file.file, message: `is the rollout of ${first.file} again` });
    else byUnit.set(rolloutKey(file), file);
    const { agent_distance, q_score, time } = file.record;
    const result = JSON.stringify([file.task, agent_distance, q_score, time.simulator_steps]);
    const alike = byResult.get(result);
    if (!first && alike)
      notes.push({ code: 'equal', where: file.file, message: `holds the same numbers as ${alike.file}` });
    else byResult.set(result, file);
  }
}

function missing(
  files: readonly OfficialFile[],
  { tasks, perTask, instances, wholeRange }: Edition,
  set: TestSet | undefined,
  problems: Finding[],
  notes: Finding[],
): void {
  const byTask = new Map<string, Set<number>>();
  for (const { task, instance } of files) byTask.set(task, (byTask.get(task) ?? new Set<number>()).add(instance));
  for (const [task, found] of byTask) {
    if (found.size > perTask)
      problems.push({
        code: 'count',
        where: task,
        message: `has ${found.size} instances (expected ${perTask}; the score divides by ${perTask})`,
      });
    const range = set && wholeRange && instances[set];
    const absent = range
      ? Array.from({ length: perTask }, (_, i) => range[0] + i).filter((instance) => !found.has(instance))
      : [];
    const lacking = range ? absent.length : perTask - found.size;
    if (lacking <= 0) continue;
    const which = absent.length > 0 ? `: ${rangesText(absent)}` : '';
    const message = `${lacking} of ${perTask} rollouts are missing and count 0${which}`;
    notes.push({ code: 'missing', where: task, message });
  }
  const absent = BEHAVIOR_TASKS.map(({ name }) => name).filter((name) => !byTask.has(name));
  if (byTask.size < tasks) {
    const names =
      absent.length <= 8 ? absent.join(', ') : `${absent.slice(0, 8).join(', ')} and ${absent.length - 8} more`;
    const unknown = tasks > BEHAVIOR_TASKS.length ? ', and others whose names are not known here' : '';
    const which = absent.length > 0 ? `: ${names}${unknown}` : '';
    const message = `${tasks - byTask.size} of ${tasks} tasks have no result and count 0${which}`;
    notes.push({ code: 'missing', where: 'tasks', message });
  }
}

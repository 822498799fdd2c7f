import { distance, type Vector3 } from '../../home/index.ts';
import type { RecordedEpisode } from './record.ts';
import type { FAILURE_LABELS } from './vocabulary.ts';

/** What a rule saw. */
export interface Symptom {
  /** Control step that shows it. */
  readonly step: number;
  readonly reason: string;
}

/** A sign of failure in an episode's record. */
export interface LabelRule {
  readonly name: string;
  readonly label: keyof typeof FAILURE_LABELS;
  /** What it looks for, for pages. */
  readonly looksFor: string;
  readonly find: (record: RecordedEpisode) => Symptom | undefined;
}

const SECONDS_STILL = 10;
const STILL = 0.02;
const NEAR_HAND = 0.14;
const FALL = 0.08;
const TILT = Math.cos(Math.PI / 4);
const FAR = 3;

/** Rules for failed episodes, in the order in which a report lists them. */
export const LABEL_RULES: readonly LabelRule[] = [
  {
    name: 'closed-on-nothing',
    label: 'dexterity',
    looksFor: 'a gripper that closed beside an object, twice or more',
    find: closedOnNothing,
  },
  { name: 'dropped', label: 'dexterity', looksFor: 'a carried object that fell', find: dropped },
  {
    name: 'knocked-over',
    label: 'whole-body',
    looksFor: 'an object that tipped over far from a closed hand',
    find: knockedOver,
  },
  { name: 'no-motion', label: 'stuck', looksFor: `base and hands still for ${SECONDS_STILL} s`, find: noMotion },
  { name: 'stage-fell-back', label: 'order', looksFor: 'a true stage that went back', find: stageFellBack },
  {
    name: 'wrong-stage',
    label: 'confusion',
    looksFor: 'a voted stage that differs from the true one for a quarter of the episode',
    find: wrongStage,
  },
  { name: 'drove-off', label: 'navigation', looksFor: `a base more than ${FAR} m from where it began`, find: droveOff },
  { name: 'undone', label: 'catastrophic', looksFor: 'a part of the goal that held and holds no more', find: undone },
  {
    name: 'near-the-goal',
    label: 'time',
    looksFor: 'time out with at least half of the goal, still gaining',
    find: nearTheGoal,
  },
];

const SIDES = ['left', 'right'] as const;
const hand = (side: string) => `${side}_arm_link7`;
const gap = (record: RecordedEpisode, frame: number, side: string) =>
  distance(record.at(frame, `${side}_finger_link1`), record.at(frame, `${side}_finger_link2`));

/** Objects that the goal wants somewhere: what hands are to carry. */
function carried({ line, objects }: RecordedEpisode): string[] {
  const wanted = line.goal.filter(({ text }) => /^(not )?(inside|ontop|nextto)\(/.test(text)).map(({ text }) => text);
  return objects.filter((name) => wanted.some((text) => text.includes(`(${name},`)));
}

function closedOnNothing(record: RecordedEpisode): Symptom | undefined {
  const { frames, rate } = record;
  const things = carried(record);
  const openings = SIDES.map((side) => Array.from({ length: frames }, (_, frame) => gap(record, frame, side)));
  const widest = Math.max(...openings.flat());
  const narrowest = Math.min(...openings.flat());
  const shut = narrowest + 0.08 * (widest - narrowest);
  const misses: Symptom[] = [];
  SIDES.forEach((side, s) => {
    let wasOpen = false;
    for (let frame = 0; frame < frames; frame++) {
      const opening = (openings[s] as number[])[frame] as number;
      if (opening > (widest + narrowest) / 2) wasOpen = true;
      if (!wasOpen || opening > shut) continue;
      wasOpen = false;
      const nearest = Math.min(
        ...things.map((name) => distance(record.at(frame, name), record.at(frame, hand(side)))),
        9,
      );
      if (nearest < 2 * NEAR_HAND)
        misses.push({ step: frame, reason: `the ${side} gripper closed on nothing at ${(frame / rate).toFixed(1)} s` });
    }
  });
  const [first] = misses.sort((a, b) => a.step - b.step);
  return misses.length >= 2 && first
    ? { ...first, reason: `${first.reason}, ${misses.length} times in all` }
    : undefined;
}

function dropped(record: RecordedEpisode): Symptom | undefined {
  const { frames, rate } = record;
  const half = Math.max(1, Math.round(rate / 2));
  for (const name of carried(record))
    for (let frame = 0; frame + half < frames; frame++) {
      const from = record.at(frame, name);
      const fell = from[2] - record.at(frame + half, name)[2];
      const lifted = from[2] - record.at(0, name)[2];
      const held = SIDES.some((side) => distance(record.at(frame, hand(side)), from) < 2 * NEAR_HAND);
      if (fell < FALL || lifted < FALL || !held) continue;
      const end = Math.min(frames - 1, frame + 4 * half);
      // Let go into its place is no drop.
      const goal = record.steps[end - 1]?.goal ?? [];
      const before = record.steps[Math.max(0, frame - 1)]?.goal ?? [];
      if (goal.some((value, i) => value && !before[i])) continue;
      if (SIDES.some((side) => distance(record.at(end, hand(side)), record.at(end, name)) < NEAR_HAND)) continue;
      return { step: frame, reason: `${name} fell ${fell.toFixed(2)} m` };
    }
  return undefined;
}

function knockedOver(record: RecordedEpisode): Symptom | undefined {
  const { frames, rate } = record;
  for (const name of carried(record)) {
    let upright = record.up(0, name)[2] > TILT;
    for (let frame = 1; frame < frames && upright; frame++) {
      if (record.up(frame, name)[2] > TILT) continue;
      upright = false;
      const before = Math.max(0, frame - Math.round(rate / 3));
      const height = record.at(before, name)[2] - record.at(0, name)[2];
      if (inPlace(record, name, frame)) break; // it fell into its place
      if (Math.abs(height) < 0.03) return { step: frame, reason: `${name} tipped over where it stood` };
    }
  }
  return undefined;
}

/** Whether what the goal wants of an object holds within the second after a frame. */
function inPlace({ line, steps, rate }: RecordedEpisode, name: string, frame: number): boolean {
  return line.goal.some(({ text }, i) => {
    if (!text.includes(`(${name},`)) return false;
    return steps.slice(Math.max(0, frame - 1), frame + rate).some(({ goal }) => goal[i]);
  });
}

function noMotion(record: RecordedEpisode): Symptom | undefined {
  const { frames, rate } = record;
  const window = Math.round(SECONDS_STILL * rate);
  const bodies = ['base', ...SIDES.map(hand)];
  let since = 0;
  let anchors: readonly Vector3[] = bodies.map((body) => [...record.at(0, body)] as unknown as Vector3);
  for (let frame = 1; frame < frames; frame++) {
    const moved = bodies.some((body, i) => distance(record.at(frame, body), anchors[i] as Vector3) > STILL);
    if (moved) {
      since = frame;
      anchors = bodies.map((body) => [...record.at(frame, body)] as unknown as Vector3);
    } else if (frame - since >= window) return { step: since, reason: `nothing moved for ${SECONDS_STILL} s` };
  }
  return undefined;
}

function stageFellBack({ steps }: RecordedEpisode): Symptom | undefined {
  const at = steps.findIndex(({ truth }, i) => truth !== undefined && truth < (steps[i - 1]?.truth ?? 0));
  const line = steps[at];
  return line && { step: line.step, reason: `stage ${steps[at - 1]?.truth} was followed by ${line.truth}` };
}

function wrongStage({ steps }: RecordedEpisode): Symptom | undefined {
  const told = steps.filter(({ stage, truth }) => stage !== undefined && truth !== undefined);
  const wrong = told.filter(({ stage, truth }) => stage !== truth);
  if (told.length === 0 || wrong.length < 0.25 * told.length) return undefined;
  const share = Math.round((100 * wrong.length) / told.length);
  return { step: wrong[0]?.step ?? 0, reason: `the voted stage was wrong in ${share} % of the steps` };
}

function droveOff(record: RecordedEpisode): Symptom | undefined {
  const start = [...record.at(0, 'base')] as unknown as Vector3;
  for (let frame = 1; frame < record.frames; frame++) {
    const away = distance(record.at(frame, 'base'), start);
    if (away > FAR) return { step: frame, reason: `the base stood ${away.toFixed(1)} m from its start` };
  }
  return undefined;
}

function undone({ steps, line }: RecordedEpisode): Symptom | undefined {
  const last = steps.at(-1)?.goal ?? [];
  for (const [i, { text, initial }] of line.goal.entries()) {
    if (initial || last[i]) continue;
    const held = steps.findLast(({ goal }) => goal[i]);
    if (held) return { step: held.step, reason: `${text} held and holds no more` };
  }
  return undefined;
}

function nearTheGoal({ steps, line }: RecordedEpisode): Symptom | undefined {
  const gained = steps.findLastIndex(({ q }, i) => i > 0 && q > (steps[i - 1]?.q ?? 0));
  if (line.steps < line.maxSteps || line.q < 0.5 || gained < 0.6 * steps.length) return undefined;
  const step = steps[gained]?.step ?? 0;
  return { step, reason: `q ${line.q.toFixed(2)} at the time-out, the last gain at step ${step} of ${line.steps}` };
}

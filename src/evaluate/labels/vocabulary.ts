import { z } from 'zod';
import { InputError } from '../../base/index.ts';

/** Why an episode failed, in the winner's report's words, and `time`. A person may use others. */
export const FAILURE_LABELS = {
  dexterity: 'a hand missed, slipped or dropped something',
  order: 'steps in the wrong order',
  confusion: 'lost track of where in the task it is',
  'robot fell': 'the robot fell over',
  reasoning: 'did something that the task does not ask for',
  search: 'did not find what it needs',
  stuck: 'stopped moving, or moved against something',
  'head camera': 'looked where there was nothing to see',
  navigation: 'drove to the wrong place',
  'whole-body': 'arms, torso or base ran into things',
  reachability: 'stood where it cannot reach',
  catastrophic: 'undid what was done, or made the goal impossible',
  time: 'was about to succeed when time ran out',
  unclassified: 'none of these',
} as const;

/** One label of one episode: a line of `labels.jsonl`. */
export const LabelSchema = z.object({
  unit: z.string().min(1),
  label: z.string().min(1),
  /** `rule:<name>`, or a person. */
  by: z.string().min(1),
  /** Control step that shows it. */
  step: z.int().nonnegative().optional(),
  /** Stage of the task at that step (at the end, where no step is told): the true one, else the voted one. From 0. */
  stage: z.int().nonnegative().optional(),
  reason: z.string().optional(),
});
export type Label = z.infer<typeof LabelSchema>;

export const byRule = ({ by }: Pick<Label, 'by'>): boolean => by.startsWith('rule:');

/**
 * Labels as a person names them: `trash_3_0=order+stuck`, several separated by commas; `@120` behind a label says the
 * control step that shows it.
 * @param units episodes that there are
 * @throws InputError for an episode that there is not, or no label
 */
export function parseLabels(text: string, by: string, units: ReadonlySet<string>): Label[] {
  requirePerson(by);
  return text.split(',').flatMap((part) => {
    const [unit = '', names = ''] = part.split('=').map((word) => word.trim());
    requireUnit('--set', unit, units);
    const labels = labelsOf(names);
    if (labels.length === 0)
      throw new InputError('--set', `${part} names no label. Write UNIT=LABEL or UNIT=LABEL+LABEL.`);
    return labels.map((label) => ({ unit, ...label, by }));
  });
}

/** `order+stuck@120`: labels, and the steps that show them. Nothing for an empty text. */
export function labelsOf(text: string): Pick<Label, 'label' | 'step'>[] {
  if (text.trim() === '') return [];
  const labels = text.split('+').map((name) => {
    const [, label = '', step] = /^(.*?)(?:@(\d+))?$/.exec(name.trim()) ?? [];
    return { label: label.trim(), ...(step !== undefined && { step: Number(step) }) };
  });
  return labels.some(({ label }) => label === '') ? [] : labels;
}

/** @throws InputError for a name that is that of rules */
export function requirePerson(by: string): void {
  if (by.startsWith('rule:') || by.trim() === '')
    throw new InputError('--by', `names a person (got ${JSON.stringify(by)}); rule: is for rules.`);
}

/** @throws InputError for an episode that there is not */
export function requireUnit(where: string, unit: string, units: ReadonlySet<string>): void {
  if (units.has(unit)) return;
  const example = [...units][0];
  throw new InputError(
    where,
    `${JSON.stringify(unit)} is no counted episode of this evaluation` +
      `${example === undefined ? '' : ` (an episode is called, for example, ${example})`}. Write UNIT=LABEL.`,
  );
}

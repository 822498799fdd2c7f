import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readJsonLines, writeFileAside } from '../../base/index.ts';
import { counted, type LedgerLine, unitName } from '../ledger/index.ts';
import { readStepLines, type StepLine } from '../rollouts/index.ts';
import { type Agreement, cohensKappa } from './kappa.ts';
import { readRecordedEpisode } from './record.ts';
import { LABEL_RULES } from './rules.ts';
import { byRule, type Label, LabelSchema } from './vocabulary.ts';

const path = (folder: string) => join(folder, 'labels.jsonl');

/** The labels of an evaluation, none when there is no file. @throws InputError that names a line of another form */
export async function readLabels(folder: string): Promise<Label[]> {
  return existsSync(path(folder)) ? readJsonLines(path(folder), LabelSchema) : [];
}

/** Replaces the labels of everyone who stands in `labels` (all rules count as one); others' stay. */
export async function writeLabels(
  folder: string,
  labels: readonly Label[],
  replaced: (label: Label) => boolean,
): Promise<Label[]> {
  const kept = (await readLabels(folder)).filter((label) => !replaced(label));
  const all = [...kept, ...labels];
  await writeFileAside(path(folder), all.map((label) => `${JSON.stringify(label)}\n`).join(''));
  return all;
}

/** What rules say of failed episodes, and episodes whose recording cannot be read. */
export interface RuleLabels {
  readonly labels: readonly Label[];
  readonly unread: readonly string[];
}

/**
 * Labels of every failed episode by the rules; one that no rule knows is `unclassified`.
 * @param onEpisode called after each episode
 */
export async function labelByRules(
  folder: string,
  lines: readonly LedgerLine[],
  onEpisode: () => void = () => {},
): Promise<RuleLabels> {
  const labels: Label[] = [];
  const unread: string[] = [];
  for (const line of failures(lines)) {
    const unit = unitName(line);
    const record = await readRecordedEpisode(folder, line).catch(() => undefined);
    onEpisode();
    if (!record) {
      unread.push(unit);
      continue;
    }
    const found = LABEL_RULES.flatMap(({ name, label, find }) => {
      const sight = find(record);
      return sight ? [{ unit, label, by: `rule:${name}`, ...sight }] : [];
    });
    const all: Label[] = found.length > 0 ? found : [{ unit, label: 'unclassified', by: 'rule:none' }];
    labels.push(...all.map((label) => withStage(label, record.steps)));
  }
  return { labels, unread };
}

/** Labels with the stages in which their episodes were, as far as recordings tell. */
export function withStages(folder: string, labels: readonly Label[]): Label[] {
  const known = new Map<string, readonly StepLine[]>();
  const stepsOf = (unit: string) => {
    const at = join(folder, 'rollouts', unit);
    const steps = known.get(unit) ?? (existsSync(join(at, 'steps.jsonl')) ? readStepLines(at) : []);
    known.set(unit, steps);
    return steps;
  };
  return labels.map((label) => withStage(label, stepsOf(label.unit)));
}

function withStage(label: Label, steps: readonly StepLine[]): Label {
  const line = label.step === undefined ? steps.at(-1) : steps[Math.max(0, Math.min(label.step, steps.length) - 1)];
  const stage = line?.truth ?? line?.stage;
  return stage === undefined ? label : { ...label, stage };
}

/** Counted episodes that did not succeed. */
export const failures = (lines: readonly LedgerLine[]): LedgerLine[] =>
  counted(lines).filter(({ success }) => !success);

/** One label over an evaluation. */
export interface LabelCount {
  readonly label: string;
  /** Episodes that it was given, by whomever. */
  readonly units: readonly string[];
  readonly tasks: Readonly<Record<string, number>>;
  /** Of each task: episodes by the stage (from 0) in which the label showed first; `none`: nobody knows. */
  readonly stages: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** Labels with the episodes that have them, the most frequent first. */
export function countLabels(labels: readonly Label[], lines: readonly LedgerLine[]): LabelCount[] {
  const taskOf = new Map(counted(lines).map((line) => [unitName(line), line.task]));
  const byLabel = new Map<string, Map<string, Label[]>>();
  for (const label of labels) {
    const units = byLabel.get(label.label) ?? new Map<string, Label[]>();
    byLabel.set(label.label, units.set(label.unit, [...(units.get(label.unit) ?? []), label]));
  }
  return [...byLabel]
    .map(([label, units]) => {
      const tasks: Record<string, number> = {};
      const stages: Record<string, Record<string, number>> = {};
      for (const [unit, own] of units) {
        const task = taskOf.get(unit);
        if (task === undefined) continue;
        const told = own.flatMap(({ stage }) => stage ?? []);
        const stage = told.length > 0 ? String(Math.min(...told)) : 'none';
        tasks[task] = (tasks[task] ?? 0) + 1;
        const ofTask = (stages[task] ??= {});
        ofTask[stage] = (ofTask[stage] ?? 0) + 1;
      }
      return { label, units: [...units.keys()], tasks, stages };
    })
    .sort((a, b) => b.units.length - a.units.length || a.label.localeCompare(b.label));
}

/** How rules and persons agree: overall, over all pairs of episode and label, and for each label. */
export interface RuleAgreement {
  readonly units: number;
  readonly overall: Agreement;
  readonly labels: Readonly<Record<string, Agreement>>;
}

/** Over the episodes that both rules and persons have labelled; undefined when there are none. */
export function ruleAgreement(labels: readonly Label[]): RuleAgreement | undefined {
  const said = (mine: boolean) => labels.filter((label) => byRule(label) === mine);
  const [rules, persons] = [said(true), said(false)];
  const units = [...new Set(persons.map(({ unit }) => unit))].filter((unit) => rules.some((one) => one.unit === unit));
  if (units.length === 0) return undefined;
  const names = [
    ...new Set([...rules, ...persons].filter(({ unit }) => units.includes(unit)).map(({ label }) => label)),
  ];
  const has = (whose: readonly Label[], unit: string, name: string) =>
    whose.some((one) => one.unit === unit && one.label === name);
  const pairs = (name: string) => units.map((unit) => [has(rules, unit, name), has(persons, unit, name)] as const);
  return {
    units: units.length,
    overall: cohensKappa(names.flatMap(pairs)),
    labels: Object.fromEntries(names.map((name) => [name, cohensKappa(pairs(name))])),
  };
}

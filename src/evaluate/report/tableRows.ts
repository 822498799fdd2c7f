import { doneShare, type EvaluationSummary, partWords, quantile } from '../scores/index.ts';
import { title } from './figure.ts';
import type { Gathered } from './gather.ts';
import { decimals } from './html.ts';
import { addFacts, type MethodFacts } from './method.ts';

/** A table as every form of the report has it: plain texts. */
export interface ReportTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly last?: readonly string[];
}

export type Baselines = Readonly<Record<string, EvaluationSummary>>;

/**
 * A row a task, then the mean over tasks; a column for each baseline. q is the share of episodes that are done, and
 * what the others bring: partial credit.
 */
export function scoreRows(summary: EvaluationSummary, baselines: Baselines): ReportTable {
  const names = Object.keys(baselines);
  const bounds = (low: number, high: number) => `${decimals(low, 3)} – ${decimals(high, 3)}`;
  const { q, episodes, official, missing } = summary;
  const rows = Object.entries(summary.tasks).map(([task, { q, low, high, success, episodes, seeds = 1, ...rest }]) => {
    const { missing: lost = 0 } = rest;
    return [
      title(task),
      decimals(q, 3),
      episodes === 0 ? '–' : bounds(low, high),
      episodes === 0 ? '–' : `${decimals(100 * success, 0)} %`,
      episodes === 0 ? '–' : decimals(Math.max(0, q - success), 3),
      `${episodes}${lost > 0 ? ` of ${episodes + lost}` : ''}${seeds === 1 ? '' : ` (${seeds} seeds)`}`,
      ...(missing ? [decimals(episodes === 0 ? 0 : (q * episodes) / (episodes + lost), 3)] : []),
      ...names.map((name) => decimals(baselines[name]?.tasks[task]?.q, 3)),
    ];
  });
  const done = doneShare(summary);
  const last = [
    missing ? `Mean over tasks: ${partWords(summary)}` : 'Mean over tasks',
    decimals(q.mean, 3),
    bounds(q.low, q.high),
    ...(Number.isNaN(done) ? ['', ''] : [`${decimals(100 * done, 0)} %`, decimals(Math.max(0, q.mean - done), 3)]),
    `${episodes}${missing ? ` of ${episodes + missing.length}` : ''}`,
    ...(missing ? [decimals(official, 3)] : []),
    ...names.map((name) => decimals(baselines[name]?.q.mean, 3)),
  ];
  const head = [
    'Task',
    missing ? 'q of played' : 'q',
    '95 % interval',
    'Done',
    'Partial credit',
    'Episodes',
    ...(missing ? ['Official q'] : []),
    ...names.map((name) => `q ${name}`),
  ];
  return { head, rows, last };
}

/** Whose episodes of the same scenes stand beside, where there are any. */
const besideName = ({ episodes }: Fired): string | undefined => episodes.find(({ other }) => other)?.other?.name;

type Fired = Pick<Gathered, 'firings' | 'episodes'>;

/** Each firing of a rule of System 2, with its reason; what its episode came to, and what the other policy's did. */
export function firingRows(gathered: Fired): ReportTable {
  const byUnit = new Map(gathered.episodes.map((episode) => [episode.unit, episode]));
  const other = besideName(gathered);
  return {
    head: ['Episode', 'At', 'Rule', 'Why', 'q', ...(other === undefined ? [] : [`q of ${other}`])],
    rows: gathered.firings.map(({ unit, seconds, name, reason }) => {
      const episode = byUnit.get(unit);
      const more = other === undefined ? [] : [decimals(episode?.other?.q, 2)];
      return [unit, `${seconds.toFixed(1)} s`, name, reason, decimals(episode?.q, 2), ...more];
    }),
  };
}

/** A row a rule: how often it fired, in how many episodes, and what these came to, beside the other policy's. */
export function ruleRows(gathered: Fired): ReportTable {
  const byUnit = new Map(gathered.episodes.map((episode) => [episode.unit, episode]));
  const other = besideName(gathered);
  const names = [...new Set(gathered.firings.map(({ name }) => name))];
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const rows = names.map((name) => {
    const own = gathered.firings.filter((firing) => firing.name === name);
    const episodes = [...new Set(own.map(({ unit }) => unit))].flatMap((unit) => byUnit.get(unit) ?? []);
    const pairs = episodes.flatMap(({ q, other: their }) => (their ? [{ q, theirs: their.q }] : []));
    return [
      ...[name, String(own.length), String(episodes.length), decimals(mean(episodes.map(({ q }) => q)), 2)],
      ...(other === undefined
        ? []
        : [
            String(pairs.length),
            decimals(mean(pairs.map(({ q }) => q)), 2),
            decimals(mean(pairs.map(({ theirs }) => theirs)), 2),
          ]),
    ];
  });
  return {
    head: [
      ...['Rule', 'Times', 'Episodes', 'Mean q of these'],
      ...(other === undefined ? [] : ['Pairs', 'Mean q in pairs', `Mean q of ${other}`]),
    ],
    rows,
  };
}

/** How often the stage was right at the moment of a plan, before and after the vote: a row a task that tells. */
export function stageRows(tasks: ReadonlyMap<string, MethodFacts>): ReportTable | undefined {
  const share = (count: number, of: number) => `${decimals((100 * count) / of, 0)} %`;
  const row = (name: string, { stages: { plans, raw, voted } }: MethodFacts) => [
    name,
    String(plans),
    share(raw, plans),
    share(voted, plans),
  ];
  const telling = [...tasks].filter(([, { stages }]) => stages.plans > 0);
  if (telling.length === 0) return undefined;
  return {
    head: ['Task', 'Plans', 'Predicted stage right', 'Voted stage right'],
    rows: telling.map(([task, facts]) => row(title(task), facts)),
    ...(telling.length > 1 && { last: row('All', addFacts(telling.map(([, facts]) => facts))) }),
  };
}

/** How long plans took: a row. Nothing where no recording tells. */
export function timeRows({ planMs, parts }: MethodFacts): ReportTable | undefined {
  if (planMs.length === 0) return undefined;
  const ms = (value: number) => `${value.toFixed(1)} ms`;
  const part = (value: number) => (parts.plans === 0 ? '–' : ms(value / parts.plans));
  return {
    head: ['Plans', 'Median', '95 of 100 within', 'Longest', 'Mean: pictures, state, noise', 'Prefix', 'Denoising'],
    rows: [
      [
        String(planMs.length),
        ...[ms(quantile(planMs, 0.5)), ms(quantile(planMs, 0.95)), ms(quantile(planMs, 1))],
        ...[part(parts.prepare), part(parts.prefix), part(parts.denoise)],
      ],
    ],
  };
}

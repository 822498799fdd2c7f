import { decimals, markdownTable } from '../report/index.ts';
import { chanceText, doneShare, type Interval, percentText } from '../scores/index.ts';
import type { AuditResult, AuditRow } from './auditTables.ts';
import { episodesOf, memoryWords } from './auditWords.ts';

const interval = ({ mean, low, high }: Interval): string =>
  `${decimals(mean, 2)} [${decimals(low, 2)}, ${decimals(high, 2)}]`;

/** The tables of an audit as Markdown, for a page of a project's own. */
export function auditMarkdown(audit: AuditResult): string {
  const { name, perTask, memory, perturbations, made, gaps, significance } = audit;
  const parts = [
    `# Audit of ${name}`,
    'q is 1 when a task is done, else the share of its goal that was reached. Brackets are 95 % intervals.',
    '## Rows',
    rowTable([...audit.shortcuts, ...audit.oracles, ...audit.splits.filter(({ name: split }) => split !== 'public')]),
  ];
  for (const { split, policies, rows, means } of perTask)
    parts.push(
      `## Each task, ${split} instances`,
      `Mean q, ${episodesOf(rows)} episodes a cell.`,
      markdownTable({
        head: ['task', ...policies],
        rows: rows.map(({ task, cells }) => [
          task,
          ...cells.map((cell) => (cell ? interval({ ...cell, mean: cell.q }) : '–')),
        ]),
        last: ['mean over tasks', ...means.map(interval)],
      }),
    );
  if (memory.length > 0)
    parts.push(
      '## Tasks that need memory',
      'Share of the episodes that were done.',
      markdownTable({
        head: ['task', 'chance', 'policy', 'without memory', 'told the true stage', 'what it says'],
        rows: memory.map((row) => [
          row.task,
          percentText(row.chance),
          ...[row.policy, row.memoryless, row.oracle].map((cell) => (cell ? interval(cell) : '–')),
          memoryWords(row),
        ]),
      }),
    );
  parts.push(
    '## Significance and splits',
    markdownTable({
      head: ['', 'difference of mean q'],
      rows: [
        ['the policy with other noise, less itself', interval(significance.again)],
        ...gaps.map(({ label, gap }) => [label, interval(gap)]),
      ],
    }),
  );
  if (perturbations.length > 0)
    parts.push(
      '## Perturbations',
      markdownTable({
        head: ['axis and level', 'q clean', 'q perturbed', 'loss', 'p', 'done where it struck', 'episodes'],
        rows: perturbations.map(({ axis, level, clean, q, degradation, recovery, episodes }) => [
          `${axis} ${level}`,
          decimals(clean, 2),
          interval(q),
          interval(degradation),
          chanceText(degradation.p),
          recovery.mean === null ? 'never struck' : `${percentText(recovery.mean)} of ${recovery.struck}`,
          String(episodes),
        ]),
      }),
    );
  parts.push(
    `Code ${made.code}. Checkpoint ${made.checkpoint}. The rule of selection: ${made.selection}. ` +
      'Each test is explained on the page beside this file.',
  );
  return `${parts.join('\n\n')}\n`;
}

const rowTable = (rows: readonly AuditRow[]): string =>
  markdownTable({
    head: ['', 'mean q', 'done', 'episodes', 'behind', 'p'],
    rows: rows.map(({ label, summary, behind }) => [
      label,
      interval(summary.q),
      percentText(doneShare(summary)),
      String(summary.episodes),
      behind ? interval(behind) : '',
      behind ? chanceText(behind.p) : '',
    ]),
  });

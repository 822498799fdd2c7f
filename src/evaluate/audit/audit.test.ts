import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ledgerLine, temporaryFolder } from '../../../test/support/evaluate.ts';
import { checkpointFolder } from '../../model/index.ts';
import type { RunFile } from '../ledger/index.ts';
import { auditMarkdown } from './auditMarkdown.ts';
import { auditPage } from './auditPage.ts';
import { amountOf, auditTables, type PlayedCell } from './auditTables.ts';
import { auditCells, type CellOptions } from './cells.ts';
import { runAudit } from './runAudit.ts';

const root = await temporaryFolder();
const tasks = ['turning_on_radio', 'picking_up_trash'];
const run: RunFile = {
  fingerprint: {
    policy: { kind: 'checkpoint' },
    seed: '0',
    maxSteps: null,
    edition: '2025',
    perturb: [],
    versions: { household: '2' },
  },
  tasks,
  instances: [],
  started: '',
  node: '',
  code: { version: '0', commit: 'abc' },
  checkpoints: [
    { hash: 'f00', statistics: null, ownStatistics: null, selection: 'highest q of 5 on train instances <b>' },
  ],
};
const options = {
  policy: { kind: 'checkpoint', folder: 'x' } as const,
  episodes: 12,
  perturb: [{ axis: 'push', level: 2 as const }],
  perturbEpisodes: 4,
  seed: '0',
};

/** Every cell with made-up scores: q of the n-th instance. */
function played(q: (cell: string, n: number) => number, asked: CellOptions = options): PlayedCell[] {
  return auditCells(asked).map((cell) => ({
    ...cell,
    run,
    lines: tasks.flatMap((task) =>
      cell.instances.map((instance, n) =>
        ledgerLine({
          ...{ task, instance, q: q(cell.name, n), success: q(cell.name, n) === 1 },
          ...(cell.perturb && {
            perturbations: [{ ...cell.perturb, proposed: {}, struck: n === 0 ? null : 40, executed: {} }],
          }),
        }),
      ),
    ),
  }));
}

describe('what an audit plays', () => {
  it('the policy on three splits that never overlap, what it is without, baselines and perturbations', () => {
    const cells = auditCells(options);
    const byName = Object.fromEntries(cells.map((cell) => [cell.name, cell]));
    expect(byName['train']!.instances[0]).toBe(1_000_000);
    expect(byName['hidden']!.instances[0]).toBe(10_000);
    expect(byName['blind']!.policy).toMatchObject({ kind: 'checkpoint', ablation: 'blind' });
    expect(byName['perturb-push-2']!.instances).toEqual([0, 1, 2, 3]);
    expect(byName['again']!.seed).not.toBe('0');
    expect(new Set(cells.map(({ name }) => name)).size).toBe(cells.length);
    const hidden = auditCells({ ...options, hiddenEpisodes: 2 }).filter(({ name }) => name.startsWith('hidden-'));
    expect(hidden.map(({ name }) => name.slice(7)).sort()).toEqual(['blind', 'expert', 'hold', 'memoryless', 'replay']);
    for (const { instances } of hidden) expect(instances).toEqual([10_000, 10_001]);
    expect(auditCells({ ...options, rowEpisodes: 3 }).find(({ name }) => name === 'blind')!.instances).toHaveLength(3);
  });

  it('a server has no rows that need the network itself', () => {
    const names = auditCells({ ...options, policy: { kind: 'remote', url: 'ws://h:1' } }).map(({ name }) => name);
    expect(names).toContain('blind');
    for (const name of ['stateless', 'memoryless', 'oracle-stage']) expect(names).not.toContain(name);
  });
});

describe('what an audit says', () => {
  const score = (cell: string, n: number) => {
    if (cell === 'blind') return n % 4 === 0 ? 1 : 0;
    if (cell === 'hold') return 0;
    if (cell === 'hidden') return n % 2;
    if (cell.startsWith('perturb')) return n < 2 ? 1 : 0;
    return n % 6 === 5 ? 0 : 1;
  };
  const audit = auditTables({
    ...{ name: 'a <policy>', tasks, seed: '0', cells: played(score) },
    sources: [
      { label: '1,600 demonstrations', lines: [ledgerLine({ q: 1 }), ledgerLine({ instance: 1, q: 0.5 })] },
      { label: '400 demonstrations', lines: [ledgerLine({ q: 0.5 }), ledgerLine({ instance: 1, q: 0 })] },
      { label: 'without mistakes', lines: [ledgerLine({ q: 0.25 })] },
    ],
  });

  it('how far each row is behind the policy, paired by instance', () => {
    const blind = audit.shortcuts.find(({ name }) => name === 'blind')!;
    expect(blind.summary.q.mean).toBe(0.25);
    expect(blind.behind!.mean).toBeCloseTo(10 / 12 - 0.25, 12);
    expect(blind.behind!.low).toBeGreaterThan(0);
    expect(audit.shortcuts[0]).toMatchObject({ name: 'public', label: 'the policy' });
    expect(audit.shortcuts[0]!.behind).toBeUndefined();
    expect(audit.oracles.map(({ name }) => name)).toEqual(['oracle-stage', 'expert']);
  });

  it('splits side by side, with the rule of selection and unpaired differences', () => {
    expect(audit.splits.map(({ name }) => name)).toEqual(['train', 'public', 'hidden']);
    expect(audit.made.selection).toMatch(/highest q/);
    const [same, lower] = audit.gaps;
    expect(same!.gap.mean).toBe(0);
    expect(same!.gap.low).toBeLessThan(0);
    expect(lower!.gap.mean).toBeCloseTo(10 / 12 - 0.5, 12);
    expect(lower!.gap.low).toBeLessThan(lower!.gap.mean);
  });

  it('each task with every policy, on public instances and on hidden ones', () => {
    const [table] = audit.perTask;
    expect(audit.perTask).toHaveLength(1);
    expect(table!.policies).toEqual(['policy', 'expert', 'hold', 'replay', 'blind', 'memoryless']);
    expect(table!.rows.map(({ task }) => task)).toEqual(tasks);
    expect(table!.rows[1]!.cells.map((cell) => cell!.q)).toEqual([10 / 12, 10 / 12, 0, 10 / 12, 0.25, 10 / 12]);
    expect(table!.means[4]!.mean).toBe(0.25);
    const both = auditTables({
      ...{ name: 'x', tasks, seed: '0', sources: [] },
      cells: played(score, { ...options, hiddenEpisodes: 4 }),
    });
    expect(both.perTask.map(({ split, policies }) => [split, policies[0], policies.length])).toEqual([
      ['public', 'policy', 6],
      ['hidden', 'policy', 6],
    ]);
    expect(auditMarkdown(both)).toContain('## Each task, hidden instances\n\nMean q, 4 to 12 episodes a cell.');
    expect(auditMarkdown(both)).toMatch(/\| turning_on_radio \| 0\.83 \[.*\] \| 0\.83 /);
  });

  it('which differences so many instances find: half as large with four times as many', () => {
    const at = (n: number) => audit.significance.findable.find(({ instances }) => instances === n)!.difference;
    expect(at(200)).toBeCloseTo(at(50) / 2, 12);
    expect(audit.significance.again).toMatchObject({ mean: 0, p: 1 });
  });

  it('no difference is named that two policies cannot have', () => {
    const wide = {
      ...audit,
      episodes: 2,
      significance: { ...audit.significance, findable: [{ instances: 2, difference: 1.7 }] },
    };
    expect(auditPage(wide)).not.toContain('1.7');
    expect(auditPage(wide)).toMatch(/smallest difference to be seen<\/div><div class="big">none</);
  });

  it('a perturbation against the clean pairs alone, and sources by amount', () => {
    expect(audit.perturbations[0]).toMatchObject({
      axis: 'push',
      level: 2,
      clean: 1,
      episodes: 8,
      recovery: { struck: 6 },
    });
    expect(audit.perturbations[0]!.degradation.mean).toBe(0.5);
    expect(audit.sources.map(({ amount }) => amount)).toEqual([400, 1600, null]);
    expect(['1,600 x', '20', 'x 20'].map(amountOf)).toEqual([1600, 20, null]);
  });

  it('one page that asks nothing of a network, with text as text', () => {
    const page = auditPage(audit);
    for (const part of ['1. Shortcuts', '2. Significance', '3. Overfitting', '4. Data source', 'Perturbations'])
      expect(page).toContain(part);
    expect(page).toContain('a &lt;policy&gt;');
    expect(page).toContain('train instances &lt;b&gt;');
    expect(page).not.toMatch(/https?:\/\/|NaN|undefined/);
    expect(page).toContain('class="curve"');
  });
});

it('plays, goes on, and writes page, tables and every episode', { timeout: 500_000 }, async () => {
  const out = join(root, 'audit');
  const quick = {
    ...{ policy: { kind: 'checkpoint', folder: checkpointFolder('household') } as const, name: 'household' },
    ...{ tasks: ['turning_on_radio'], episodes: 1, perturb: [], perturbEpisodes: 1, seed: '0', demonstrations: 1 },
    ...{ maxSteps: 25, workers: 1, silent: true, out },
  };
  const cells: string[] = [];
  const stop = new AbortController();
  await expect(
    runAudit({ ...quick, signal: stop.signal, say: (line) => cells.push(line) === 3 && stop.abort() }),
  ).rejects.toThrow(/interrupted/);
  const result = await runAudit(quick);
  expect(result.shortcuts.map(({ name }) => name)).toEqual([
    ...['public', 'blind', 'stateless', 'memoryless', 'nearest', 'replay', 'hold'],
  ]);
  expect(JSON.parse(await readFile(join(out, 'audit.json'), 'utf8'))).toMatchObject({ made: result.made });
  const lines = (await readFile(join(out, 'ledgers.jsonl'), 'utf8')).trim().split('\n');
  expect(lines).toHaveLength(12);
  expect(await readFile(join(out, 'audit.html'), 'utf8')).toContain(result.made.checkpoint);
});

import { expect, it } from 'vitest';
import { ledgerLine } from '../../../test/support/evaluate.ts';
import { summariseLedger } from '../scores/index.ts';
import { methodFacts } from './method.ts';
import { type PageContents, reportPage } from './page.ts';
import { episodesCsv, markdownReport, scoresCsv } from './plainForms.ts';

const lines = [
  ...[0, 1, 0.5].map((q, instance) => ledgerLine({ instance, q, success: q === 1 })),
  ledgerLine({ task: 'picking_up_trash', q: 0.25 }),
];
const unit = 'turning_on_radio_0_0';
const steps = [
  { predicted: 1, stage: 0, truth: 0 },
  { predicted: 1, stage: 1, truth: 1 },
  { stage: 1, truth: 1 },
  { predicted: 0, stage: 1, truth: 1 },
];
const plans = [10, 20, 90].map((ms, i) => ({
  step: 20 * i,
  rows: 30,
  ms,
  prepareMs: 1,
  prefixMs: 4,
  denoiseMs: ms - 5,
}));
const contents: PageContents = {
  name: 'Policy of a | test',
  where: 'here.',
  started: '2026-01-02T03:04:05.000Z',
  fingerprint: '{}',
  perturb: [],
  provenance: [['code', 'Valet 0']],
  policy: { name: 'policy', lines, summary: summariseLedger(lines) },
  baselines: [],
  gathered: {
    episodes: [
      {
        ...{ unit, task: 'turning_on_radio', instance: 0, rollout: 0, q: 0, success: false, steps: 100, seconds: 3 },
        ...{ rules: 1, recording: 'beside' as const },
        other: { key: 'other', name: 'without rules', q: 0.75, success: false, recording: 'beside' as const },
      },
    ],
    inside: new Map(),
    damaged: [],
    firings: [{ unit, step: 30, seconds: 1, name: 'empty-gripper', reason: 'closed on nothing, twice' }],
    method: new Map([['turning_on_radio', methodFacts(steps, plans)]]),
  },
  labels: [{ unit, label: 'stuck', by: 'anna' }],
  modules: [],
};
/** The text of the page's table cells. */
const cells = [...reportPage(contents).matchAll(/<td[^>]*>(.*?)<\/td>/g)].map(([, cell = '']) =>
  cell.replace(/<[^>]*>/g, ''),
);

it('Markdown and CSV have every number of the tables of the page', () => {
  const markdown = markdownReport(contents);
  expect(markdown).toContain('# Policy of a | test');
  for (const cell of cells) expect(markdown).toContain(cell);
  expect(markdown).toMatch(/\| Turning on radio \| 3 \| 33 % \| 100 % \|/);
  expect(markdown).toMatch(/\| 3 \| 20\.0 ms \| 83\.0 ms \| 90\.0 ms \| 1\.0 ms \| 4\.0 ms \| 35\.0 ms \|/);
  expect(markdown).toMatch(/\| stuck \| 1 \|/);
  expect(markdown).toMatch(/\| empty-gripper \| 1 \| 1 \| 0\.00 \| 1 \| 0\.00 \| 0\.75 \|/);
  expect(markdown).toMatch(
    /\| turning_on_radio_0_0 \| 1\.0 s \| empty-gripper \| closed on nothing, twice \| 0\.00 \| 0\.75 \|/,
  );
  // q is what done episodes bring, and the others.
  expect(markdown).toMatch(/\| Turning on radio \| 0\.500 \| [^|]* \| 33 % \| 0\.167 \| 3 \|/);
  expect(markdown).toMatch(/Mean over tasks\W+0\.375\W+[\d. –]+\W+17 %\W+0\.208\W+4/);
  const scores = scoresCsv(contents).trimEnd().split('\r\n');
  expect(scores).toHaveLength(4);
  for (const [i, cell] of scores[1]!.split(',').entries()) expect(cell).toBe(cells[i]);
});

it('a row of CSV is an episode, and texts with commas are quoted', () => {
  const rows = episodesCsv(contents)
    .trimEnd()
    .split('\r\n')
    .map((row) => row.split(','));
  expect(rows.map(({ length }) => length)).toEqual(new Array(5).fill(13));
  expect(rows[1]).toEqual([
    'turning_on_radio',
    '0',
    '0',
    '0',
    'false',
    '100',
    '400',
    '5',
    '1',
    '2',
    '4',
    'empty-gripper',
    'stuck',
  ]);
  const odd = { ...contents, policy: { ...contents.policy, lines: [ledgerLine({ task: 'a "b", c' })] } };
  expect(episodesCsv(odd)).toContain('\r\n"a ""b"", c",0,');
});

import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/support/evaluate.ts';
import { compareLedgers, requireComparable } from '../compare/index.ts';
import { readEvaluation, writeReport } from '../report/index.ts';
import type { Year } from './edition.ts';
import { ingestOfficial } from './ingest.ts';
import { judgeOfficial } from './judgeOfficial.ts';
import { firstOfEach } from './officialFolder.ts';
import { runNotes } from './runNotes.ts';
import { writeSubmission } from './writeSubmission.ts';

const CASES = join(import.meta.dirname, '../../../test/cases/official');

interface Form {
  readonly year: Year;
  /** q by rollout, as the files say. */
  readonly scores: Readonly<Record<string, number>>;
  /** Films that are put there, and the rollouts that they are of. */
  readonly films: Readonly<Record<string, string>>;
  readonly testset?: 'public' | 'hidden';
  readonly label: string;
}

const THIRD = 1 / 3;
const POPCORN = 'make_microwave_popcorn';

/** Scores of one folder that is read by itself and by the folder around or within it. */
const EVALUATED = {
  ...{ turning_on_radio_301_0: 0, turning_on_radio_302_0: 1 },
  ...{ picking_up_trash_301_0: THIRD, picking_up_trash_302_0: 2 * THIRD },
};
const SUBMITTED = {
  [`${POPCORN}_301_0`]: 1,
  [`${POPCORN}_302_0`]: 0.5,
  [`${POPCORN}_303_0`]: 0,
  turning_on_radio_320_0: 1,
};

/** What evaluators of both years leave, and people make of it: folder below test/cases/official, and what is in it. */
const FORMS: Readonly<Record<string, Form>> = {
  'evaluator-2025': {
    year: '2025',
    scores: { turning_on_radio_242_0: 1, turning_on_radio_295_0: 0, picking_up_trash_211_0: THIRD },
    films: { 'videos/turning_on_radio_242_0.mp4': 'turning_on_radio_242_0' },
    label: 'evaluator-2025',
  },
  'queue-2025': {
    year: '2025',
    scores: { turning_on_radio_3_0: 1, picking_up_trash_7_0: 2 * THIRD },
    films: { 'videos/anna/turning_on_radio_3.mp4': 'turning_on_radio_3_0' },
    label: 'queue-2025',
  },
  'submission-2025/standard.Team_One.Some_Lab.2025-11-15': {
    year: '2025',
    scores: {
      ...{ turning_on_radio_242_0: 1, turning_on_radio_295_0: 0, turning_on_radio_211_0: 1 },
      picking_up_trash_211_0: 2 * THIRD,
    },
    films: { 'picking_up_trash_211_0.mp4': 'picking_up_trash_211_0' },
    label: 'Team One',
  },
  'evaluator-2026': {
    year: '2026',
    scores: EVALUATED,
    films: {
      'videos/turning_on_radio_301_0.mp4': 'turning_on_radio_301_0',
      'videos/picking_up_trash_302_0.mp4': 'picking_up_trash_302_0',
    },
    label: 'evaluator-2026',
  },
  'tasks-and-runs-2026': {
    year: '2026',
    scores: {
      ...{ turning_on_radio_301_0: 1, turning_on_radio_302_0: 1 },
      ...{ picking_up_trash_301_0: 1, picking_up_trash_302_0: THIRD },
    },
    films: {
      'pi05/turning_on_radio/20260905_143022_first/videos/turning_on_radio_301_0.mp4': 'turning_on_radio_301_0',
    },
    label: 'tasks-and-runs-2026',
  },
  'submission-2026/standard.public.Team_Two.Other_Lab.20261008': {
    year: '2026',
    testset: 'public',
    scores: SUBMITTED,
    films: { [`videos/${POPCORN}_303.mp4`]: `${POPCORN}_303_0` },
    label: 'Team Two',
  },
  // The folder around a submission.
  'submission-2026': {
    year: '2026',
    testset: 'public',
    scores: SUBMITTED,
    films: {},
    label: 'Team Two',
  },
  'hidden-2026': {
    year: '2026',
    scores: { turning_on_radio_321_0: 1, turning_on_radio_340_0: 0 },
    films: { 'turning_on_radio_340_0.mp4': 'turning_on_radio_340_0' },
    label: 'hidden-2026',
  },
  // The folder of results itself.
  'evaluator-2026/json': {
    year: '2026',
    scores: EVALUATED,
    films: { '../videos/turning_on_radio_302_0.mp4': 'turning_on_radio_302_0' },
    label: 'json',
  },
};

const folder = await temporaryFolder();

/** A copy with its films. */
async function copyOf(name: string, films: Form['films']): Promise<string> {
  const at = join(folder, name.replaceAll('/', '-'));
  const source = join(at, name);
  await cp(join(CASES, name), source, { recursive: true });
  for (const film of Object.keys(films)) {
    await mkdir(dirname(join(source, film)), { recursive: true });
    await writeFile(join(source, film), `film ${film}`);
  }
  return source;
}

it.each(Object.entries(FORMS))('%s: taken in, shown, submitted, and right when it is checked', async (name, form) => {
  const { year, scores, films, label, testset } = form;
  const source = await copyOf(name, films);
  const judged = await judgeOfficial(source, {});
  expect([judged.edition.year, judged.testset, judged.findings.problems]).toEqual([year, testset, []]);

  const out = join(folder, `${name.replaceAll('/', '-')}-evaluation`);
  const ingested = await ingestOfficial(source, out);
  expect([ingested.rollouts, ingested.videos]).toEqual([Object.keys(scores).length, Object.keys(films).length]);
  const { run, lines } = await readEvaluation(out);
  expect(run).toMatchObject({ label, fingerprint: { edition: year, versions: { challenge: year } } });
  const booked = Object.fromEntries(lines.map((line) => [`${line.task}_${line.instance}_${line.rollout}`, line.q]));
  expect(booked).toEqual(scores);
  for (const [film, unit] of Object.entries(films))
    expect(await readFile(join(out, 'rollouts', unit, 'video.mp4'), 'utf8')).toBe(`film ${film}`);
  const page = await readFile(await writeReport(out), 'utf8');
  for (const unit of Object.values(films)) expect(page).toContain(`rollouts/${unit}/video.mp4`);
  expect(page).toContain(`of the ${year} challenge`);

  // What was taken in is itself such a folder: it can be submitted, and is right when it is checked.
  const again = await judgeOfficial(out, testset ? { testset } : {});
  expect(again.scores).toEqual(judged.scores);
  const given = year === '2026' ? { testset: testset ?? ('hidden' as const) } : {};
  const submitted = await writeSubmission(join(folder, `${name.replaceAll('/', '-')}-out`, 'my.zip'), {
    name: { track: 'standard', team: 'Us', affiliation: 'Lab', date: '2026-10-08', ...given },
    edition: again.edition,
    files: again.official.files,
    notes: runNotes(again.scores, again.findings, again.edition),
  });
  const checked = await judgeOfficial(submitted, testset ? {} : { testset: undefined });
  expect(checked.scores).toEqual(judged.scores);
  expect(checked.misnamed).toBeUndefined();
  if (year === '2025' || testset === 'public' || name === 'hidden-2026') expect(checked.findings.problems).toEqual([]);
  expect((await readdir(join(submitted, 'json'))).sort()).toEqual(
    Object.keys(scores)
      .map((unit) => `${unit}.json`)
      .sort(),
  );
});

it('two forms of the same instances are compared; other years are refused', async () => {
  const take = async (name: string) => {
    const out = join(folder, `compared-${name}`);
    await ingestOfficial(join(CASES, name), out);
    return { folder: out, ...(await readEvaluation(out)) };
  };
  const [a, b, other] = [await take('evaluator-2026'), await take('tasks-and-runs-2026'), await take('evaluator-2025')];
  requireComparable(a, b);
  const { difference, tasks, episodes } = compareLedgers(a.lines, b.lines);
  expect(episodes).toBe(4);
  expect(tasks['turning_on_radio']?.difference).toBeCloseTo(0.5, 12);
  expect(tasks['picking_up_trash']?.difference).toBeCloseTo((2 * THIRD - THIRD) / 2, 12);
  expect(difference.mean).toBeCloseTo(1 / 3, 12);
  expect(() => requireComparable(a, other)).toThrow(/its challenge is 2025, the other's 2026/);
});

it('a broken submission: every fault is named, what is whole is taken in', async () => {
  const source = join(CASES, 'broken-2026/standard.public.Team_Four.Lab.20261010');
  const { findings } = await judgeOfficial(source, {});
  const said = findings.problems.map(({ code, where }) => `${code} ${where.replace('turning_on_radio_', '')}`);
  expect(said.sort()).toEqual(
    [
      'duplicate 301_0.json',
      'contradiction 307_0.json',
      'contradiction 308_0.json',
      'instance 321_0.json',
      'instance 5_0.json',
      'name summary.json',
      'range 302_0.json',
      'range 310_0.json',
      'unreadable 303_0.json',
      'unreadable 304_0.json',
      'unreadable 305_0.json',
      'unreadable 306_0.json',
    ].sort(),
  );
  const message = (where: string) =>
    findings.problems.find((one) => one.where === `turning_on_radio_${where}.json`)?.message ?? '';
  expect(message('303_0')).toMatch(/q_score.final: expected a number/);
  expect(message('306_0')).toMatch(/time/);
  expect(message('305_0')).toMatch(/not valid JSON/);
  expect(findings.notes.find(({ code }) => code === 'stray')?.where).toBe('notes.txt');
  const out = join(folder, 'broken');
  const { rollouts } = await ingestOfficial(source, out);
  const { lines } = await readEvaluation(out);
  expect(rollouts).toBe(lines.length);
  expect(lines.map(({ instance }) => instance).sort((x, y) => x - y)).toEqual([5, 301, 307, 308, 310, 321]);
});

it('the scoring script’s output is taken in; one without rollouts, or of several submissions, is refused', async () => {
  const board = join(CASES, 'board-2026/standard.public.Team_Three.Lab.20261009.json');
  const out = join(folder, 'board');
  await ingestOfficial(board, out);
  const { run, lines } = await readEvaluation(out);
  expect(run).toMatchObject({ label: 'Team Three', fingerprint: { edition: '2026' } });
  expect(lines.map(({ task, instance, q }) => [task, instance, q])).toEqual([
    ['turning_on_radio', 301, 1],
    ['turning_on_radio', 302, 0],
    ['picking_up_trash', 301, 0.5],
  ]);
  const { per_rollout_scores: _, ...only } = JSON.parse(await readFile(board, 'utf8'));
  const short = join(folder, 'short.json');
  await writeFile(short, JSON.stringify(only));
  await expect(ingestOfficial(short, join(folder, 'no'))).rejects.toThrow(/no per_rollout_scores/);
  const several = join(folder, 'several');
  for (const name of ['submission-2026', 'broken-2026']) await cp(join(CASES, name), several, { recursive: true });
  await expect(ingestOfficial(several, join(folder, 'no'))).rejects.toThrow(/holds several submissions/);
  expect(existsSync(join(folder, 'no'))).toBe(false);
});

it('a wrong year in the name is told, and several runs of a rollout; films are those of their run', async () => {
  const misnamed = join(folder, 'standard.Us.Lab.2026-10-08');
  await cp(join(CASES, 'evaluator-2026'), misnamed, { recursive: true });
  const judged = await judgeOfficial(misnamed, {});
  expect(judged.edition.year).toBe('2026');
  expect(judged.misnamed?.message).toMatch(/<track>.<testset>.<team>/);
  const runs = join(folder, 'runs');
  const path = 'json/turning_on_radio_301_0.json';
  for (const run of ['first', 'second']) {
    await cp(join(CASES, 'evaluator-2026', path), join(runs, run, path));
    await mkdir(join(runs, run, 'videos'));
    await writeFile(join(runs, run, 'videos/turning_on_radio_301_0.mp4'), run);
  }
  const { official, findings } = await judgeOfficial(runs, {});
  expect(findings.problems).toMatchObject([{ code: 'duplicate', where: `second/${path}` }]);
  expect(official.files.map(({ video }) => video?.includes('first'))).toEqual([true, false]);
  expect(firstOfEach(official.files)).toHaveLength(1);
});

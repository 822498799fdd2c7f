import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BEHAVIOR_TASKS } from '../../robot/index.ts';
import { readEvaluation } from '../report/index.ts';
import { EDITIONS, type Year } from './edition.ts';
import { ingestOfficial } from './ingest.ts';
import { leaderboard, ranking } from './leaderboard.ts';
import { checkOfficial } from './officialChecks.ts';
import { readOfficialFolder } from './officialFolder.ts';
import { parseOfficial } from './officialResult.ts';
import { runNotes } from './runNotes.ts';
import { parseSubmissionName, submissionName } from './submissionName.ts';
import { writeSubmission } from './writeSubmission.ts';

const winner = JSON.parse(
  await readFile(new URL('../../../examples/behavior-2025-winner.json', import.meta.url), 'utf8'),
) as Record<string, number[]>;

let at: string;
beforeAll(async () => {
  at = await mkdtemp(join(tmpdir(), 'valet-submit-'));
});
afterAll(() => rm(at, { recursive: true, force: true }));

/** A record as Python's json.dump(indent=4) writes it. */
function official(q: number, year: Year, unit: { task: string; instance: number }, steps = 300, human = 200): string {
  const later = { task: unit.task, instance_id: unit.instance, rollout_id: 0, steps, success: q === 1 };
  const text = JSON.stringify(
    {
      ...(year === '2026' && later),
      agent_distance: { base: 2, left: 0, right: 4 },
      normalized_agent_distance: { base: 0.5, left: 'inf', right: 0.25 },
      q_score: { final: q },
      time: { simulator_steps: steps, simulator_time: steps / 30, normalized_time: human / steps },
    },
    null,
    4,
  );
  return text.replaceAll('"inf"', 'Infinity');
}

async function folderOf(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(at, name);
  await mkdir(join(folder, 'json'), { recursive: true });
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, 'json', file), text);
  return folder;
}

it("the winner's published episodes give its published scores, success and partial credit apart", async () => {
  const files = Object.entries(winner).flatMap(([task, own]) =>
    own.map((q, instance) => [`${task}_${instance}_0.json`, official(q, '2025', { task, instance })] as const),
  );
  const folder = await folderOf('standard.RLC.Independent.2025-11-16', Object.fromEntries(files));
  const read = await readOfficialFolder(folder);
  const { overall, tasks } = leaderboard(read.files, EDITIONS['2025']);
  expect(overall.q).toBeCloseTo(0.2613, 3); // docs/facts.md: 0.2605 on the board, 0.2613 from the figure
  expect(overall.success).toBeCloseTo(0.112, 2);
  expect(overall.success + overall.partial).toBeCloseTo(overall.q, 12);
  for (const task of BEHAVIOR_TASKS) {
    const own = winner[task.name] ?? [];
    expect(tasks[task.name]?.q).toBeCloseTo(own.reduce((a, b) => a + b, 0) / 10, 12);
  }
  const { problems } = checkOfficial(read, EDITIONS['2025']);
  expect(problems).toEqual([]);
});

it.each<[Year, number]>([
  ['2025', 2 - 300 / 200],
  ['2026', 3 - (2 * 300) / 200],
])("%s: missing rollouts and tasks count 0, and time has the year's form", async (year, time) => {
  const unit = { task: 'can_meat', instance: year === '2025' ? 7 : 305 };
  const folder = await folderOf(`one-${year}`, { [`can_meat_${unit.instance}_0.json`]: official(0.5, year, unit) });
  const { files } = await readOfficialFolder(folder);
  const { perTask, tasks: all } = EDITIONS[year];
  const { overall, tasks } = leaderboard(files, EDITIONS[year]);
  expect(tasks['can_meat']?.q).toBeCloseTo(0.5 / perTask, 12);
  expect(overall.q).toBeCloseTo(0.5 / perTask / all, 12);
  expect(overall.time).toBeCloseTo(time / perTask / all, 12);
  expect(overall.left).toBe(Number.POSITIVE_INFINITY); // as the challenge's own sum
});

it('what is wrong with a folder of 2026 is named, file by file', async () => {
  const unit = (task: string, instance: number) => ({ task, instance });
  const good = official(1, '2026', unit('can_meat', 301));
  const folder = await folderOf('bad', {
    'can_meat_301_0.json': good,
    'can_meat_301.json': good, // the same rollout, named as an older evaluator does
    'can_meat_341_0.json': official(0, '2026', unit('can_meat', 341)),
    'can_meat_302_1.json': official(0, '2026', unit('can_meat', 302)).replace('"rollout_id": 0', '"rollout_id": 1'),
    'can_meat_303_0.json': good,
    'can_meat_304_0.json': official(1.25, '2026', unit('can_meat', 304)),
    'can_meat_305_0.json': good.slice(0, 100),
    'can_meat_306_0.json': official(0, '2026', unit('can_meat', 306)).replace('"final": 0', '"final": NaN'),
    'can_meat_307_0.json': official(0, '2026', unit('can_meat', 307), 99_999_999),
    'can_meat_308_0.json': official(0, '2026', unit('can_meat', 308)).replace('"success": false', '"success": true'),
    'can_meet_309_0.json': official(0, '2026', unit('can_meet', 309)),
    'summary.json': '{}',
    'notes.txt': 'x',
  });
  const { problems, notes } = checkOfficial(await readOfficialFolder(folder), EDITIONS['2026'], 'public');
  const said = (code: string) => problems.filter((one) => one.code === code).map(({ where }) => where);
  expect(said('duplicate')).toEqual(['can_meat_301_0.json']);
  expect(said('instance')).toEqual(['can_meat_341_0.json']);
  expect(said('rollout')).toEqual(['can_meat_302_1.json']);
  expect(said('contradiction')).toEqual(['can_meat_303_0.json', 'can_meat_308_0.json']);
  expect(said('range')).toEqual(['can_meat_304_0.json', 'can_meat_307_0.json']);
  expect(said('unreadable')).toEqual(['can_meat_305_0.json', 'can_meat_306_0.json']);
  expect(said('name')).toEqual(['summary.json']);
  expect(notes.filter(({ code }) => code === 'stray').map(({ where }) => where)).toEqual(['notes.txt']);
  expect(problems.find(({ where }) => where === 'can_meat_306_0.json')?.message).toMatch(
    /q_score.final: expected a number/,
  );
  expect(notes.map(({ message }) => message).join('\n')).toMatch(/Did you mean can_meat\?/);
  expect(notes.find(({ where, code }) => code === 'missing' && where === 'can_meat')?.message).toMatch(
    /of 20 rollouts/,
  );
});

it('JSON as Python writes it: words for infinite values, also in texts', () => {
  const text = official(0.5, '2026', { task: 'Infinity NaN \\" task', instance: 1 });
  const record = parseOfficial('x.json', text);
  expect(record.normalized_agent_distance.left).toBe(Number.POSITIVE_INFINITY);
  expect(record.task).toContain('Infinity NaN');
  expect(() => parseOfficial('x.json', '[]')).toThrow(/x.json/);
});

it('the order of folders: q, then distance, then time; equal ones share a place', () => {
  const scores = (q: number, base: number, time: number) => ({
    q,
    success: 0,
    partial: q,
    time,
    base,
    left: 1,
    right: 1,
  });
  const ranked = ranking([
    { name: 'slow', overall: scores(0.3, 1, 0.1) },
    { name: 'near', overall: scores(0.3, 2, 0) },
    { name: 'best', overall: scores(0.4, 0, 0) },
    { name: 'fast', overall: scores(0.3, 1, 0.2) },
    { name: 'fast too', overall: scores(0.3, 1, 0.2) },
  ]);
  expect(ranked.map(({ rank, name }) => `${rank} ${name}`)).toEqual([
    '1 best',
    '2 near',
    '3 fast',
    '3 fast too',
    '5 slow',
  ]);
});

const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

it('a submission: folder, zip, sums; the same bytes again; nothing is overwritten', async () => {
  const unit = { task: 'can_meat', instance: 321 };
  const folder = await folderOf('results', { 'can_meat_321.json': official(1, '2026', unit) });
  const read = await readOfficialFolder(folder);
  const wrapper = join(at, 'wrapper.py');
  await writeFile(wrapper, 'pass\n');
  const name = {
    track: 'standard',
    testset: 'hidden' as const,
    team: 'My  Team',
    affiliation: 'A Lab',
    date: '2026-10-08',
  };
  const edition = EDITIONS['2026'];
  const notes = runNotes(
    leaderboard(read.files, edition),
    checkOfficial(read, edition, 'hidden'),
    edition,
    'Own words.',
  );
  const make = (out: string) =>
    writeSubmission(join(at, out, 'my.zip'), { name, edition, files: read.files, notes, beside: [wrapper] });
  const made = await make('a');
  expect(made).toBe(join(at, 'a', 'standard.hidden.My_Team.A_Lab.2026-10-08'));
  expect(parseSubmissionName('standard.hidden.My_Team.A_Lab.2026-10-08')).toMatchObject({
    year: '2026',
    testset: 'hidden',
  });
  expect((await readdir(made)).sort()).toEqual(['RUN_NOTES.md', 'SHA256SUMS', 'json', 'wrapper.py']);
  expect(await readdir(join(made, 'json'))).toEqual(['can_meat_321_0.json']);
  for (const line of (await readFile(join(made, 'SHA256SUMS'), 'utf8')).trim().split('\n')) {
    const [sum, path] = line.split('  ') as [string, string];
    expect(hash(await readFile(join(made, path)))).toBe(sum);
  }
  expect(notes).toMatch(/1 of 2000 rollouts.*1 of 100 tasks/);
  expect(notes).toMatch(/19 of 20 rollouts are missing/);
  const zip = await readFile(join(at, 'a', 'my.zip'));
  const entries = unzipSync(zip);
  const record = entries['standard.hidden.My_Team.A_Lab.2026-10-08/json/can_meat_321_0.json'];
  expect(Buffer.from(record as Uint8Array).toString()).toBe(read.files[0]?.text);
  await make('b');
  expect(hash(await readFile(join(at, 'b', 'my.zip')))).toBe(hash(zip));
  await expect(make('a')).rejects.toThrow(/exists already/);
  expect(() => submissionName({ ...name, team: 'a.b' }, edition)).toThrow(/--team: holds "\."/);
  expect(() => submissionName({ ...name, track: 'fast' }, edition)).toThrow(/standard or privileged/);
  expect(() => submissionName({ ...name, testset: undefined }, edition)).toThrow(/--testset/);
});

it('official results become an evaluation, films too; broken files are left out and told', async () => {
  const unit = (instance: number) => ({ task: 'turning_on_radio', instance });
  const folder = await folderOf('standard.public.Team_One.Lab.2026-10-08', {
    'turning_on_radio_301_0.json': official(1, '2026', unit(301)),
    'turning_on_radio_302_0.json': official(0, '2026', unit(302)),
    'turning_on_radio_303_0.json': '{',
  });
  await mkdir(join(folder, 'videos'));
  await writeFile(join(folder, 'videos', 'turning_on_radio_301_0.mp4'), 'film');
  const out = join(at, 'evaluation');
  const { rollouts, videos, findings } = await ingestOfficial(folder, out);
  expect([rollouts, videos]).toEqual([2, 1]);
  expect(findings.problems.map(({ where }) => where)).toEqual(['turning_on_radio_303_0.json']);
  const { run, summary, lines } = await readEvaluation(out);
  expect(run).toMatchObject({ label: 'Team One', fingerprint: { versions: { challenge: '2026' } } });
  expect(summary.tasks['turning_on_radio']).toMatchObject({ q: 0.5, success: 0.5, episodes: 2 });
  expect(lines[0]).toMatchObject({ maxSteps: 3224, steps: 300, distance: { base: 2 } });
  expect(existsSync(join(out, 'rollouts', 'turning_on_radio_301_0', 'video.mp4'))).toBe(true);
  await expect(ingestOfficial(folder, out)).rejects.toThrow(/exists already/);
});

it('a table of published scores becomes an evaluation; another file is refused', async () => {
  const out = join(at, 'published');
  const table = join(at, 'winner.json');
  await writeFile(table, JSON.stringify(winner));
  await ingestOfficial(table, out, { label: 'The winner' });
  const { summary } = await readEvaluation(out);
  expect(summary.episodes).toBe(500);
  expect(summary.q.mean).toBeCloseTo(0.2613, 3);
  await writeFile(table, '{"turning_on_radio": [1.5]}');
  await expect(ingestOfficial(table, join(at, 'no'))).rejects.toThrow(/turning_on_radio.0/);
  expect(existsSync(join(at, 'no'))).toBe(false);
});

import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { ledgerLine, temporaryFolder } from '../../../test/support/evaluate.ts';
import { type LedgerLine, unitName } from '../ledger/index.ts';
import { CLIENT } from './client/index.ts';
import type { PageEpisode } from './episodes.ts';
import { withFilms } from './films.ts';
import { gatherRollouts } from './gather.ts';
import { writeReport } from './report.ts';
import type { PageRollout } from './rollouts.ts';

const root = await temporaryFolder();

/** An evaluation folder as one of `lines` leaves it; recordings of one moving body and few frames. */
async function evaluationFolder(name: string, lines: readonly LedgerLine[], posterBytes = 100): Promise<string> {
  const folder = join(root, name);
  await mkdir(folder, { recursive: true });
  const fingerprint = { policy: { kind: 'expert' }, seed: '0', maxSteps: null, versions: { valet: '0' } };
  const run = { fingerprint, tasks: [], instances: [], started: '2026-01-01T00:00:00.000Z', node: 'v20' };
  await writeFile(join(folder, 'run.json'), JSON.stringify(run));
  await writeFile(join(folder, 'ledger.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  for (const line of lines.filter(({ state }) => state === 'done')) await recording(folder, line, posterBytes);
  return folder;
}

async function recording(folder: string, line: LedgerLine, posterBytes: number): Promise<void> {
  const at = join(folder, 'rollouts', unitName(line));
  await mkdir(join(at, 'frames'), { recursive: true });
  const scene = { framesPerSecond: 10, bodies: [{ name: 'base' }], moving: [0], geoms: [], cameras: [] };
  await writeFile(join(at, 'scene.json'), JSON.stringify({ scene, frames: 3, colours: [], pictures: [0, 2] }));
  await writeFile(join(at, 'track.bin'), gzipSync(Buffer.from(new Float32Array(21).fill(0.5).buffer)));
  const steps = [
    { step: 1, action: [0], q: 0, goal: [false], stage: 0, planned: true },
    { step: 2, action: [0], q: line.q, goal: [true], stage: 1, rule: 'open-hand', reason: '</script> closed' },
  ];
  await writeFile(join(at, 'steps.jsonl'), steps.map((step) => `${JSON.stringify(step)}\n`).join(''));
  for (const step of [0, 2]) await writeFile(join(at, 'frames', `${step}.png`), 'picture');
  await writeFile(join(at, 'poster.jpg'), Buffer.alloc(posterBytes, 65));
}

/** What the page's program reads. */
function contents(html: string) {
  const scripts = [...html.matchAll(/<script type="application\/json" ([^>]*)>([\s\S]*?)<\/script>/g)];
  const data = JSON.parse(scripts.find(([, attributes]) => attributes === 'id="data"')?.[2] ?? '') as {
    episodes: PageEpisode[];
  };
  const inside = scripts
    .filter(([, attributes]) => attributes?.startsWith('data-recording='))
    .map(([, , json]) => JSON.parse(json ?? '') as PageRollout);
  return { ...data, inside: new Map(inside.map((rollout) => [rollout.unit, rollout])) };
}

/** The recording that a script beside the page hands over. */
async function handedOver(folder: string, script: string): Promise<PageRollout> {
  const given: PageRollout[] = [];
  const text = await readFile(join(folder, decodeURIComponent(script)), 'utf8');
  new Function('valetRollout', text)((rollout: PageRollout) => given.push(rollout));
  return given[0] as PageRollout;
}

const many = Array.from({ length: 30 }, (_, instance) =>
  ledgerLine({ instance, q: instance % 3 === 0 ? 0 : 1, success: instance % 3 !== 0, steps: 2 }),
);

describe('the page', () => {
  it('carries every recording that it has room for, failures first, and says where the others lie', async () => {
    const folder = await evaluationFolder('many', many, 600_000);
    const html = await readFile(await writeReport(folder), 'utf8');
    const { episodes, inside } = contents(html);
    expect(episodes).toHaveLength(30);
    expect(episodes.slice(0, 10).every(({ q }) => q === 0)).toBe(true);
    const [within, beside] = [16, 14];
    expect(episodes.map(({ recording }) => recording)).toEqual([
      ...new Array(within).fill('page'),
      ...new Array(beside).fill('beside'),
    ]);
    expect(html).toContain(`The recordings of ${within} of 30 episodes are in this file`);
    expect(html).toContain(`The other ${beside} lie beside it`);
    for (const { unit, recording, script = '', poster = '' } of episodes) {
      const rollout = recording === 'page' ? inside.get(unit) : await handedOver(folder, script);
      expect(rollout).toMatchObject({
        unit,
        rate: 10,
        stages: [
          [0, 0],
          [1, 1],
        ],
        plans: [1],
      });
      expect(rollout?.pictures).toHaveLength(2);
      if (recording === 'page') continue;
      for (const address of [poster, ...(rollout?.pictures ?? []).map(({ uri }) => uri)])
        expect((await stat(join(folder, decodeURIComponent(address)))).isFile()).toBe(true);
    }
  });

  it('makes scripts again when recording, ledger or script have changed, and not otherwise', async () => {
    const lines = many.slice(0, 2);
    const folder = await evaluationFolder('again', lines);
    const at = (name: string) => join(folder, 'rollouts', unitName(lines[0] as LedgerLine), name);
    const gather = async (given = lines) => {
      const { episodes, firings } = await gatherRollouts(folder, given, 0);
      return { episodes, firings, made: (await stat(at('replay.js'))).ino };
    };
    const first = await gather();
    expect(await gather()).toEqual(first);
    expect(first.firings).toMatchObject([{ step: 1, seconds: 0.1, name: 'open-hand' }, { name: 'open-hand' }]);
    const script = await readFile(at('replay.js'));
    const changes = [
      () => writeFile(at('replay.js'), 'torn'),
      () => writeFile(at('steps.jsonl'), '{"step":1,"action":[0],"q":0,"goal":[true]}\n'),
    ];
    let before = first.made;
    for (const change of changes) {
      await change();
      const { made } = await gather();
      expect(made).not.toBe(before);
      before = made;
    }
    expect((await gather()).firings).toHaveLength(1);
    expect(await readFile(at('replay.js'))).not.toEqual(script);
    const judged = lines.map((line, i) => (i === 0 ? { ...line, q: 0.25 } : line));
    expect((await gather(judged)).made).not.toBe(before);
    expect(await handedOver(folder, first.episodes[0]?.script ?? '')).toMatchObject({ q: 0.25 });
  });

  it('with --whole nothing lies beside it', async () => {
    const folder = await evaluationFolder('whole', many, 600_000);
    const html = await readFile(await writeReport(folder, { whole: true }), 'utf8');
    expect(contents(html).inside.size).toBe(30);
    expect(html).toContain('The recordings of all 30 episodes are in this file.');
    expect(html).not.toMatch(/rollouts\/turning/);
  });

  it('addresses of tasks with odd names lead to their files', async () => {
    const folder = await evaluationFolder('odd', [ledgerLine({ task: 'a b#c%"d', steps: 2 })]);
    const { episodes } = await gatherRollouts(folder, [ledgerLine({ task: 'a b#c%"d', steps: 2 })], 0);
    const { script = '', unit } = episodes[0] as PageEpisode;
    expect(script).not.toMatch(/[ #"]/);
    expect(await handedOver(folder, script)).toMatchObject({ unit });
  });

  it('lists episodes without a recording, and those that cannot be read', async () => {
    const folder = await evaluationFolder('some', many.slice(0, 3));
    await rm(join(folder, 'rollouts', unitName(many[1] as LedgerLine)), { recursive: true });
    await writeFile(join(folder, 'rollouts', unitName(many[2] as LedgerLine), 'track.bin'), 'torn');
    const html = await readFile(await writeReport(folder), 'utf8');
    expect(contents(html).episodes.map(({ recording }) => recording)).toEqual(['page', 'none', 'none']);
    expect(html).toContain('2 episodes have no recording.');
    expect(html).toContain(`The recording of ${unitName(many[2] as LedgerLine)} cannot be read`);
  });

  it('has no numbers that are none when nothing was counted', async () => {
    const broken = ledgerLine({ state: 'invalid', attempt: 2, reason: 'BADQACC' });
    for (const lines of [[], [broken]]) {
      const folder = await evaluationFolder(`nothing-${lines.length}`, lines);
      await mkdir(join(folder, 'baselines', 'hold'), { recursive: true });
      await writeFile(join(folder, 'baselines', 'hold', 'ledger.jsonl'), `${JSON.stringify(broken)}\n`);
      const html = await readFile(await writeReport(folder), 'utf8');
      const seen = html.slice(0, html.indexOf('<script'));
      expect(seen).not.toMatch(/NaN|undefined|Infinity/);
      expect(seen).toContain('No episode has been counted yet.');
      expect(seen).not.toContain('id="player"');
    }
  });

  it('rules that fired play from where they fired, and text from records stays text', async () => {
    const folder = await evaluationFolder('rules', many.slice(0, 1));
    const html = await readFile(await writeReport(folder), 'utf8');
    expect(html).toContain(`data-unit="${unitName(many[0] as LedgerLine)}" data-step="1"`);
    expect(html).toContain('&lt;/script&gt; closed');
    expect(contents(html).inside.size).toBe(1);
  });

  it('films are in it as far as there is room, else beside it; without one the reason is told', async () => {
    const lines = many.slice(0, 3);
    const folder = await evaluationFolder('films', lines);
    const [broken, ...sound] = lines.map(unitName) as [string, string, string];
    for (const [i, unit] of sound.entries()) {
      const film = join(folder, 'rollouts', unit, 'film.mp4');
      await writeFile(film, Buffer.alloc(300 * (i + 1), i)); // newer than the recording: taken as it is
    }
    const gathered = await gatherRollouts(folder, lines);
    const { episodes, films, damaged } = await withFilms(folder, gathered, { budget: 900 });
    expect(episodes.map(({ unit, film, filmBytes }) => [unit, film, filmBytes]).sort()).toEqual([
      [broken, undefined, undefined],
      [sound[0], 'page', 300],
      [sound[1], 'rollouts/turning_on_radio_2_0/film.mp4', 600],
    ]);
    expect([...(films ?? [])]).toEqual([[sound[0], Buffer.alloc(300).toString('base64')]]);
    expect(damaged).toEqual([{ unit: broken, reason: expect.stringMatching(/^no film: .*no camera overview/) }]);
    const html = await readFile(await writeReport(folder, { films: true }), 'utf8');
    expect(html).toContain('The films of 2 episodes are in this file.');
    expect(html).toMatch(/<script type="text\/plain" data-film="turning_on_radio_1_0">AAAA/);
  });

  it('has what another policy did in the same scenes, in its folder or within the page', async () => {
    const [own, theirs] = [many.slice(0, 4), many.slice(2, 6).map((line) => ({ ...line, q: 0.5 }))];
    const folder = await evaluationFolder('own', own);
    const other = await evaluationFolder('theirs', theirs);
    const { episodes } = contents(await readFile(await writeReport(folder, { beside: other }), 'utf8'));
    const with2 = episodes.filter((episode) => episode.other);
    expect(with2.map(({ instance }) => instance).sort()).toEqual([2, 3]);
    expect(with2[0]?.other).toMatchObject({ name: 'The expert (theirs)', q: 0.5, recording: 'beside' });
    expect(await handedOver(folder, with2[0]?.other?.script ?? '')).toMatchObject({ unit: with2[0]?.unit, q: 0.5 });
    const whole = await readFile(await writeReport(folder, { beside: other, whole: true }), 'utf8');
    expect(whole).toContain('data-recording="other turning_on_radio_2_0"');
    const strangers = await evaluationFolder('strangers', many.slice(20, 22));
    await expect(writeReport(folder, { beside: strangers })).rejects.toThrow(
      /strangers: has no recording of an episode/,
    );
  });

  it('its program is one that a browser can read, and fetches nothing', () => {
    expect(() => new Script(`(async () => {${CLIENT}\n})`)).not.toThrow();
    expect(CLIENT).not.toMatch(/\bfetch\(|XMLHttpRequest|https?:/);
  });
});

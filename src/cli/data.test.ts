import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { command } from './data.ts';

const golden = join(import.meta.dirname, '../../test/golden/dataset-v21/dataset');
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-cli-data-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

/** What the command prints on stdout. */
async function run(...args: string[]): Promise<string> {
  let out = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text;
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  await command().exitOverride().parseAsync(args, { from: 'user' });
  return out;
}

type Names = [some: string, three: string, parts: string, all: string];

describe('valet data', () => {
  it('check prints one JSON value, and exit code 1 for a damaged set', async () => {
    expect(JSON.parse(await run('check', golden, '--json'))).toMatchObject({
      ok: true,
      format: 'v2.1',
      episodes: 6,
      frames: 479,
    });
    expect(process.exitCode).toBeUndefined();
    vi.restoreAllMocks();
    expect(JSON.parse(await run('check', folder, '--json')).problems[0].code).toBe('index');
    expect(process.exitCode).toBe(1);
    await expect(run('check', join(folder, 'nowhere'))).rejects.toMatchObject({ kind: 'input' });
  });

  it('show writes a picture of the episode', async () => {
    const png = join(folder, 'episode.png');
    const about = JSON.parse(await run('show', golden, '--episode', '20', '--out', png, '--columns', '4', '--json'));
    expect(about).toMatchObject({
      index: 20,
      taskIndex: 0,
      length: 60,
      task: 'turning_on_radio',
      shown: [0, 20, 39, 59],
    });
    const { width, height, format } = await sharp(png).metadata();
    expect([format, width, height]).toEqual(['png', 4 * 130 + 2, 3 * 130 + 2 + 8]);
    const { channels } = await sharp(png).stats();
    expect(channels[0]!.stdev).toBeGreaterThan(20);
  });

  it('show takes the first episode when none is named, and writes a page too; other endings are refused', async () => {
    const page = join(folder, 'episode.html');
    const said = await run('show', golden, '--out', page, '--columns', '3');
    expect(said).toMatch(/^episode 10: turning_on_radio 0, \d+ frames/);
    const html = await readFile(page, 'utf8');
    expect(html).toMatch(/^<!doctype html>/);
    expect(html).toMatch(/<img alt="episode 10[^"]*" src="data:image\/png;base64,iVBOR/);
    expect(html).toMatch(/<b>0\.0 s<\/b><br>frame 0</);
    vi.restoreAllMocks();
    await expect(run('show', golden, '--out', join(folder, 'x.gif'))).rejects.toThrow(/writes \.png or \.html/);
    await expect(run('show', golden, '--out', folder)).rejects.toThrow(/writes \.png/);
  });

  it('show --samples writes a page with what training hands to the network', async () => {
    const page = join(folder, 'samples.html');
    const at = ['--episode', '20', '--frame', '0,25', '--set', 'stageNoise=1', 'pictures.brightness=0.3'];
    const shown = JSON.parse(await run('show', golden, '--samples', ...at, '--out', page, '--json'));
    expect(shown.samples).toMatchObject([
      { episode: 20, frame: 0, task: 0, stage: 0, toldStage: 1 },
      { episode: 20, frame: 25, task: 0, stage: 0, toldStage: 0 },
    ]);
    const html = await readFile(page, 'utf8');
    expect(html).toMatch(/<h2 id="sample-2">Episode 20, frame 25<\/h2>/);
    expect(html).toContain('stage that the network is told');
    expect(html).toContain('brightness by up to 30 %');
    expect(html.match(/<svg class="plot"/g)).toHaveLength(2 * 2 * 6);
    expect(html).not.toMatch(/NaN|https?:(?!\/\/www\.w3\.org)/);
    // The picture of the data and the one that the network sees differ.
    const [was, now] = [...html.matchAll(/src="(data:image[^"]+)"/g)].map(([, source]) => source);
    expect(was).not.toBe(now);
    // By chance: as many as wanted, the same with the same seed.
    const chance = async () => {
      vi.restoreAllMocks();
      return [await run('show', golden, '--samples', '3', '--seed', '4', '--out', page), await readFile(page, 'utf8')];
    };
    const first = await chance();
    expect(first[0]?.match(/^episode/gm)).toHaveLength(3);
    expect(await chance()).toEqual(first);
    const refused = async (...words: string[]) => {
      vi.restoreAllMocks();
      return run('show', golden, ...words);
    };
    await expect(refused('--samples', '--frame', '31', '--episode', '20', '--out', page)).rejects.toThrow(
      /no chunk of 30 actions begins at frame 31 of episode 20 \(it has 60 frames; the last begins at 30\)/,
    );
    const padded = ['--frame', '45', '--episode', '20', '--set', 'endPadding=true', '--out', page];
    await refused('--samples', ...padded);
    const html45 = await readFile(page, 'utf8');
    expect(html45).toContain('the last 15 of 30 actions');
    expect(html45.match(/<rect class="padding"/g)).toHaveLength(2 * 6);
    await expect(refused('--seed', '1', '--out', page)).rejects.toThrow(/--seed: has no effect without --samples/);
    await expect(refused('--samples', '--out', join(folder, 'x.png'))).rejects.toThrow(/a page is written/);
  }, 600_000);

  it('results of all commands are on stdout, --json or not', async () => {
    expect(await run('check', golden)).toMatch(/6 episodes, 479 frames: all right\n$/);
    vi.restoreAllMocks();
    expect(await run('robot', golden, '--out', join(folder, 'r.json'))).toMatch(/check: [\s\S]*R1Pro, \d+ actions/);
  });

  it('robot proposes one, and check takes it; without a robot that is known, the option is named', async () => {
    const out = join(folder, 'robot.json');
    const { robot, guesses } = JSON.parse(await run('robot', golden, '--out', out, '--json'));
    expect(robot).toMatchObject({ name: 'R1Pro', rate: 30, cameras: [{ name: 'left_wrist' }, {}, {}] });
    expect(guesses.join()).toMatch(/columns have no names/);
    vi.restoreAllMocks();
    expect(JSON.parse(await run('check', golden, '--robot', out, '--json'))).toMatchObject({ ok: true });
    vi.restoreAllMocks();
    const other = await run('check', golden, '--robot', 'single-arm', '--json');
    expect(JSON.parse(other).problems[0].message).toMatch(/not of the robot single-arm: its actions have 23 numbers/);
  });

  it('new sets are made of its episodes: selected, converted, divided and put together again', async () => {
    const [some, three, parts, all] = ['some', 'three', 'parts', 'all'].map((name) => join(folder, name)) as Names;
    const json = async (...words: string[]) => {
      vi.restoreAllMocks();
      return (await run(...words, '--json'))
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line));
    };
    expect(await json('select', golden, some, '--episodes', '10-30')).toMatchObject([{ out: some, episodes: 3 }]);
    expect(await json('convert', golden, three, '--format', 'v3.0')).toMatchObject([{ episodes: 6, encoded: 0 }]);
    expect(await json('check', three)).toMatchObject([{ ok: true, format: 'v3.0', episodes: 6 }]);
    const divided = await json('split', three, parts, '--parts', 'a=1,b=1', '--format', 'v3.0');
    expect(divided.map(({ out }) => out)).toEqual([join(parts, 'a'), join(parts, 'b')]);
    const sum = divided.reduce((episodes, part) => episodes + part.episodes, 0);
    expect(sum).toBe(6);
    expect(await json('merge', ...divided.map(({ out }) => out), '--out', all)).toMatchObject([{ episodes: 6 }]);
    await expect(run('select', golden, three)).rejects.toThrow(/exists already/);
  });

  it('refuses an episode that is not there', async () => {
    await expect(run('show', golden, '--episode', '11', '--out', join(folder, 'x.png'))).rejects.toThrow(
      /no episode 11 \(it has 6: 10, 20, 30/,
    );
  });
});

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { fakeEpisode } from '../../test/support/data.ts';
import { killedWhen } from '../../test/support/killedWhen.ts';
import { DatasetWriter } from '../data/index.ts';
import { runCommand } from './runCommand.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

let folder: string;
let data: string;
let more: string;

/** What each command is told; its result is `out`. */
const COMMANDS: Readonly<Record<string, (out: string) => string[]>> = {
  select: (out) => ['data', 'select', data, out, '--length', '1-32'],
  convert: (out) => ['data', 'convert', data, out, '--format', 'v3.0'],
  merge: (out) => ['data', 'merge', data, more, '--out', out],
  trim: (out) => ['data', 'trim', data, out, '--margin', '0'],
  resize: (out) => ['data', 'resize', data, out, '--size', '16'],
  annotate: (out) => ['data', 'annotate', 'stages', data, out, '--from', 'time'],
  stats: (out) => ['stats', data, '--out', out, '--workers', '1', '--quiet'],
};
const NAMES = Object.keys(COMMANDS);
const wordsOf = (name: string, dir: string) => COMMANDS[name]!(join(dir, name));
const resultOf = (name: string, dir: string) => join(dir, name, name === 'stats' ? 'norm_stats.json' : '');

async function write(name: string, lengths: readonly number[]): Promise<string> {
  const writer = await DatasetWriter.create(join(folder, name), { imageSize: 32 });
  for (const [seed, length] of lengths.entries()) {
    const episode = fakeEpisode({ length, size: 32, seed });
    // Nothing moves at first: there is something to trim.
    for (const values of [episode.state, episode.action]) {
      const width = values.length / length;
      for (let t = 0; t < 8; t++) values.set(values.subarray(8 * width, 9 * width), t * width);
    }
    await writer.addEpisode(episode);
  }
  await writer.finish();
  return join(folder, name);
}

/** What a command writes for a person. */
const said: string[] = [];
function listen(): void {
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said.push(String(text));
    return true;
  });
}
const run = async (words: readonly string[]) => {
  said.length = 0;
  return runCommand(words);
};
/** Every file of a folder with its bytes, also hidden ones, but for locks of the dead, which bind nobody. */
async function tree(dir: string): Promise<Record<string, string>> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.lock'))
    .map((entry) => join(entry.parentPath, entry.name));
  const pairs = files.sort().map(async (file) => [relative(dir, file), (await readFile(file)).toString('base64')]);
  return Object.fromEntries(await Promise.all(pairs));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-data-killed-'));
  data = await write('data', [32, 40, 31, 34]);
  more = await write('more', [33]);
  listen();
  for (const name of NAMES) expect(await run(wordsOf(name, join(folder, 'straight'))), name).toBe(0);
});
beforeEach(listen);
afterEach(() => vi.restoreAllMocks());
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A process in which all commands run side by side; it is killed as soon as `when` holds. @returns whether it was */
function killedOnce(dir: string, when: (files: readonly string[]) => boolean): Promise<boolean> {
  const left = NAMES.filter((name) => !existsSync(resultOf(name, dir))).map((name) => wordsOf(name, dir));
  const code = `
    import { runCommand } from ${JSON.stringify(join(import.meta.dirname, 'runCommand.ts'))};
    const codes = await Promise.all(${JSON.stringify(left)}.map(runCommand));
    process.exit(Math.max(0, ...codes));`;
  return killedWhen(code, async () => when(await readdir(dir, { recursive: true }).catch(() => [])));
}

describe('commands that write data', () => {
  it('go on after kills, and end with the bytes of undisturbed ones', async () => {
    const dir = join(folder, 'killed');
    await rm(dir, { recursive: true, force: true }); // when it is tried again
    const tables = (files: readonly string[]) => files.filter((file) => /\.part\/.*\.parquet$/.test(file)).length;
    const moments = [
      (files: readonly string[]) => files.some((file) => file.endsWith('.parquet.tmp')),
      (files: readonly string[]) => tables(files) >= 12,
      (files: readonly string[]) => files.some((file) => /convert\.part\/v3\.0\/./.test(file)),
    ];
    let kills = 0;
    for (const moment of moments) if (await killedOnce(dir, moment)) kills++;
    expect(kills).toBeGreaterThan(0);
    for (const name of NAMES)
      if (!existsSync(resultOf(name, dir)) || existsSync(join(dir, `${name}.part`)))
        expect([await run(wordsOf(name, dir)), said], name).toEqual([0, said]);
    expect(await tree(dir)).toEqual(await tree(join(folder, 'straight')));
  });

  it.for(NAMES)(
    'valet … %s says on a full disk that it is full, and goes on when there is room',
    async (name, { skip }) => {
      const disk = join(folder, `disk-${name}`);
      mkdirSync(disk);
      const mount = (...options: string[]) => execFileSync('mount', [...options, disk], { stdio: 'ignore' });
      try {
        mount('-t', 'tmpfs', '-o', 'size=64k', 'valet-test');
      } catch {
        skip('only root may mount a small disk');
      }
      try {
        const code = await run(wordsOf(name, disk));
        const lines = said.filter((line) => !line.includes('\r'));
        expect([code, ...lines]).toEqual([1, expect.stringMatching(/^\S+: the disk is full/)]);
        expect(existsSync(resultOf(name, disk))).toBe(false);
        mount('-o', 'remount,size=64m');
        expect([await run(wordsOf(name, disk)), said]).toEqual([0, said]);
        expect(await tree(join(disk, name))).toEqual(await tree(join(folder, 'straight', name)));
      } finally {
        execFileSync('umount', [disk]);
      }
    },
  );
});

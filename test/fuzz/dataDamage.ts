import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Progress, Random } from '../../src/base/index.ts';
import { DatasetWriter } from '../../src/data/index.ts';
import { fakeEpisode } from '../support/data.ts';

/**
 * Data sets with several damaged files through the real commands, each in a process of its own:
 * npx tsx test/fuzz/dataDamage.ts [--runs 100] [--commands check,stats,tokenizer,show,train] [--seed TEXT].
 * A run is one kind of damage and one command. It is wrong when the process is aborted, tells a stack, takes longer
 * than two minutes, or takes what it cannot read. Prints one JSON object; exit code 1 when a run was wrong.
 */
const ROOT = join(import.meta.dirname, '../..');
const EPISODES = 12;
const BAD = 5;
const TIMEOUT_MS = 120_000;

type Damage = (path: string, random: Random) => Promise<unknown>;

const flips =
  (count: number): Damage =>
  async (path, random) => {
    const bytes = await readFile(path);
    for (let i = 0; i < count; i++) {
      const at = random.integer(bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.integer(8));
    }
    await writeFile(path, bytes);
  };
const cut: Damage = async (path, random) => {
  const { length } = await readFile(path);
  await truncate(path, 1 + random.integer(length - 1));
};
const zeros: Damage = async (path, random) => {
  const bytes = await readFile(path);
  const at = random.integer(bytes.length - 1);
  await writeFile(path, bytes.fill(0, at, at + 1 + random.integer(bytes.length - at)));
};
const empty: Damage = (path) => writeFile(path, '');
const missing: Damage = (path) => rm(path);
const folder: Damage = async (path) => {
  await rm(path);
  await mkdir(path);
};

/** By name: which files, what is done to them, and whether every command that reads them must refuse. */
const KINDS: Readonly<Record<string, readonly [files: RegExp, damage: Damage, refused: boolean]>> = {
  'parquet cut off': [/\.parquet$/, cut, true],
  'parquet empty': [/\.parquet$/, empty, true],
  'parquet with zeros': [/\.parquet$/, zeros, false],
  'parquet with a flipped bit': [/\.parquet$/, flips(1), false],
  'parquet with 100 flipped bits': [/\.parquet$/, flips(100), false],
  'parquet missing': [/\.parquet$/, missing, true],
  'a folder in place of a parquet file': [/\.parquet$/, folder, true],
  'video cut off': [/\.mp4$/, cut, false],
  'video empty': [/\.mp4$/, empty, false],
  'video with a flipped bit': [/\.mp4$/, flips(1), false],
  'video missing': [/\.mp4$/, missing, false],
  'a folder in place of a video': [/\.mp4$/, folder, false],
  'index cut off': [/meta\/(info\.json|episodes\.jsonl|tasks\.jsonl)$/, cut, false],
};

const COMMANDS: Readonly<Record<string, (data: string, out: string) => string[]>> = {
  check: (data) => ['data', 'check', data, '--json'],
  stats: (data, out) => ['stats', data, '--out', out],
  tokenizer: (data, out) => ['tokenizer', 'fit', data, '--out', out],
  show: (data, out) => ['data', 'show', data, '--episode', '10', '--out', `${out}.png`],
  train: (data, out) => [
    'train',
    '--config',
    'nano',
    '--data',
    data,
    '--out',
    out,
    '--steps',
    '1',
    '--set',
    'batch=2',
    'memoryGiB=1',
  ],
};

interface Outcome {
  readonly code: number | string;
  readonly err: string;
}

async function valet(args: readonly string[]): Promise<Outcome> {
  const built = join(ROOT, 'dist/valet.js');
  const program = existsSync(built) ? [built] : ['--import', 'tsx', join(ROOT, 'src/cli/main.ts')];
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [...program, ...args],
      { cwd: ROOT, timeout: TIMEOUT_MS, maxBuffer: 2 ** 26 },
      (error, _, err) => resolve({ code: error ? (error.signal ?? error.code ?? 'no code') : 0, err }),
    );
  });
}

function problemOf({ code, err }: Outcome, command: string, refused: boolean): string | undefined {
  if (code !== 0 && code !== 2 && !(command === 'check' && code === 1)) return `ended with ${code}`;
  if (/^\s+at .*[.](js|ts):\d+/m.test(err)) return 'told a stack';
  if (refused && command !== 'show' && code === 0) return 'took what it cannot read';
  return undefined;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '100' },
      commands: { type: 'string', default: Object.keys(COMMANDS).join(',') },
      seed: { type: 'string', default: '0' },
    },
  });
  const place = await mkdtemp(join(tmpdir(), 'valet-fuzz-data-'));
  const sound = join(place, 'sound');
  const writer = await DatasetWriter.create(sound, { imageSize: 16 });
  for (let seed = 0; seed < EPISODES; seed++)
    await writer.addEpisode(fakeEpisode({ length: 60, size: 16, seed, instance: 1_000_000 + seed }));
  await writer.finish();
  const files = (await readdir(sound, { recursive: true })).map((name) => name.replaceAll('\\', '/')).sort();
  const commands = values.commands.split(',');
  const wrong: string[] = [];
  const codes: Record<string, number> = {};
  const runs = Number(values.runs);
  const bar = new Progress('damage', runs * Object.keys(KINDS).length * commands.length, { unit: 'runs' });
  let done = 0;
  for (let run = 0; run < runs; run++)
    for (const [kind, [pattern, damage, refused]] of Object.entries(KINDS)) {
      const random = Random.of('dataDamage', values.seed, kind, run);
      const data = join(place, 'data');
      await cp(sound, data, { recursive: true });
      const chosen = random.shuffle(files.filter((name) => pattern.test(name))).slice(0, BAD);
      for (const name of chosen) await damage(join(data, name), random);
      for (const command of commands) {
        const outcome = await valet(COMMANDS[command]?.(data, join(place, 'out')) ?? [command]);
        const problem = problemOf(outcome, command, refused);
        if (problem) wrong.push(`${command}, ${kind}, run ${run}: ${problem}: ${outcome.err.trim().slice(-300)}`);
        const key = `${command}: ${kind}: ${outcome.code}`;
        codes[key] = (codes[key] ?? 0) + 1;
        await rm(join(place, 'out'), { recursive: true, force: true });
        bar.at(++done);
      }
      await rm(data, { recursive: true });
    }
  bar.end();
  await rm(place, { recursive: true });
  process.stdout.write(`${JSON.stringify({ runs: done, wrong, codes }, undefined, 1)}\n`);
  return wrong.length > 0 ? 1 : 0;
}

process.exit(await main());

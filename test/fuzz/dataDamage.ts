import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Progress, Random } from '../../src/base/index.ts';
import { DatasetWriter } from '../../src/data/index.ts';
import { buildWorkers } from '../support/buildWorkers.ts';
import { fakeEpisode } from '../support/data.ts';
import { smallParts } from '../support/model.ts';

/**
 * Data sets with several damaged files through the real commands:
 * npx tsx test/fuzz/dataDamage.ts [--runs 100] [--commands check,stats,tokenizer,show,train] [--seed TEXT].
 * A run is each kind of damage with each command, one after the other in one process, which begins with another kind
 * every time. A command is wrong when the process is aborted in it or at its own end, or hangs, when it tells a stack,
 * or takes what it cannot read. Prints one JSON object; exit code 1 when something was wrong.
 */
const ROOT = join(import.meta.dirname, '../..');
const EPISODES = 12;
const BAD = 5;
/** A process that ends nothing for so long hangs. */
const TIMEOUT_MS = 1_800_000;

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

const COMMANDS: Readonly<Record<string, (data: string, out: string, config: string) => string[]>> = {
  check: (data) => ['data', 'check', data, '--json'],
  stats: (data, out) => ['stats', data, '--out', out],
  tokenizer: (data, out) => ['tokenizer', 'fit', data, '--out', out],
  show: (data, out) => ['data', 'show', data, '--episode', '10', '--out', `${out}.png`],
  train: (data, out, config) => ['train', '--config', config, '--data', data, '--out', out, '--steps', '1'],
};

/** The smallest network that trains. */
const CONFIG = {
  base: 'dummy',
  batch: 2,
  model: { ...smallParts, layers: 1, useFastAuxiliary: false, useCorrelatedNoise: false },
};

interface Outcome {
  readonly code: number | string;
  readonly err: string;
}

/** What is run: a kind of damage, a command, and the command's words. */
interface Job {
  readonly kind: string;
  readonly command: string;
  readonly words: readonly string[];
}

/** Runs the jobs in one process, and where it dies the rest in another. The last one answers for the process's end. */
async function inTurn(jobs: readonly Job[], place: string): Promise<Outcome[]> {
  const [list, results] = ['jobs.json', 'results.jsonl'].map((name) => join(place, name)) as [string, string];
  await writeFile(list, JSON.stringify(jobs.map(({ words }) => words)));
  await writeFile(results, '');
  const program = join(import.meta.dirname, 'commandsInTurn.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', program, list, results], {
    ...{ cwd: ROOT, timeout: TIMEOUT_MS, killSignal: 'SIGKILL', stdio: ['ignore', 'ignore', 'pipe'] },
  });
  let err = '';
  child.stderr?.on('data', (text) => (err = `${err}${text}`.slice(-2000)));
  const code = await new Promise<number | string>((resolve) =>
    child.on('close', (status, signal) => resolve(signal ?? status ?? 'no code')),
  );
  const outcomes = readFileSync(results, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Outcome);
  if (code === 0 && outcomes.length === jobs.length) return outcomes;
  if (outcomes.length === jobs.length) return [...outcomes.slice(0, -1), { code, err: `at the end: ${err}` }];
  const rest = jobs.slice(outcomes.length + 1);
  return [...outcomes, { code, err }, ...(rest.length > 0 ? await inTurn(rest, place) : [])];
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
  const config = join(place, 'config.json');
  await writeFile(config, JSON.stringify(CONFIG));
  const stopBuilt = await buildWorkers();
  const commands = values.commands.split(',');
  const wrong: string[] = [];
  const codes: Record<string, number> = {};
  const runs = Number(values.runs);
  const kinds = Object.entries(KINDS);
  const bar = new Progress('damage', runs, { unit: 'runs' });
  let done = 0;
  for (let run = 0; run < runs; run++) {
    const folder = join(place, `run-${run}`);
    const jobs: Job[] = [];
    for (const [i, [kind, [pattern, damage]]] of kinds.entries()) {
      const random = Random.of('dataDamage', values.seed, kind, run);
      const data = join(folder, `data-${i}`);
      await cp(sound, data, { recursive: true });
      const chosen = random.shuffle(files.filter((name) => pattern.test(name))).slice(0, BAD);
      for (const name of chosen) await damage(join(data, name), random);
      for (const command of commands) {
        const words = COMMANDS[command]?.(data, join(folder, `out-${i}-${command}`), config) ?? [command];
        jobs.push({ kind, command, words });
      }
    }
    const first = (run * 7) % jobs.length;
    const order = [...jobs.slice(first), ...jobs.slice(0, first)];
    for (const [i, outcome] of (await inTurn(order, place)).entries()) {
      const { kind = '', command = '' } = order[i] ?? {};
      const problem = problemOf(outcome, command, KINDS[kind]?.[2] ?? false);
      if (problem) wrong.push(`${command}, ${kind}, run ${run}: ${problem}: ${outcome.err.trim().slice(-300)}`);
      const key = `${command}: ${kind}: ${outcome.code}`;
      codes[key] = (codes[key] ?? 0) + 1;
      done++;
    }
    await rm(folder, { recursive: true });
    bar.at(run + 1);
  }
  bar.end();
  await stopBuilt();
  await rm(place, { recursive: true });
  process.stdout.write(`${JSON.stringify({ commands: done, wrong, codes }, undefined, 1)}\n`);
  return wrong.length > 0 ? 1 : 0;
}

process.exit(await main());

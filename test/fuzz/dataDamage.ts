import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'tsdown';
import { Progress, Random, writeFileAside } from '../../src/base/index.ts';
import { DatasetWriter } from '../../src/data/index.ts';
import { common } from '../../tsdown.config.ts';
import { buildWorkers } from '../support/buildWorkers.ts';
import { fakeEpisode } from '../support/data.ts';
import { smallParts } from '../support/model.ts';

/**
 * Data sets with several damaged files through the real commands:
 * npx tsx test/fuzz/dataDamage.ts [--runs 100] [--commands check,stats,tokenizer,show,train] [--alternate]
 * [--state FILE] [--seed TEXT].
 * A run is each kind of damage with each command that reads such files, one after the other in one process, which
 * begins with another kind every time. With --alternate a run tries one command for each kind, the next run the next
 * one. Files, places, threads of `stats` and of libuv are drawn for each run. With --state the counts are written after
 * each run, and gone on with. A command is wrong when the process is aborted in it or at its own end, or hangs, when it
 * tells a stack, or takes what it cannot read. Prints one JSON object; exit code 1 when something was wrong.
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

/** What no command but these looks at: pictures. */
const LOOK = ['check', 'show', 'train'];

const COMMANDS: Readonly<Record<string, (data: string, out: string, config: string, threads: number) => string[]>> = {
  check: (data) => ['data', 'check', data, '--json'],
  stats: (data, out, _, threads) => ['stats', data, '--out', out, '--workers', `${threads}`],
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

/** What was counted, by command, kind and exit code. */
interface Counts {
  runs: number;
  commands: number;
  readonly wrong: string[];
  readonly codes: Record<string, number>;
}

/** Builds the program that runs commands in turn: from sources, each start would cost as much as the commands. */
async function buildProgram(): Promise<string> {
  const entry = { commandsInTurn: join(import.meta.dirname, 'commandsInTurn.ts') };
  const outDir = join(ROOT, 'out', 'commandsInTurn');
  const copy = [{ from: ['src/kernels/*/*.wasm'], to: join(outDir, 'kernels') }];
  await build({ ...common, cwd: ROOT, config: false, entry, outDir, copy, dts: false, logLevel: 'warn' });
  return join(outDir, 'commandsInTurn.js');
}

/** Runs the jobs in one process, and where it dies the rest in another. The last one answers for the process's end. */
async function inTurn(jobs: readonly Job[], place: string, program: string, threads: number): Promise<Outcome[]> {
  const [list, results] = ['jobs.json', 'results.jsonl'].map((name) => join(place, name)) as [string, string];
  await writeFile(list, JSON.stringify(jobs.map(({ words }) => words)));
  await writeFile(results, '');
  const child = spawn(process.execPath, [program, list, results], {
    ...{ cwd: ROOT, timeout: TIMEOUT_MS, killSignal: 'SIGKILL', stdio: ['ignore', 'ignore', 'pipe'] },
    env: { ...process.env, UV_THREADPOOL_SIZE: `${threads}` },
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
  return [...outcomes, { code, err }, ...(rest.length > 0 ? await inTurn(rest, place, program, threads) : [])];
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
      alternate: { type: 'boolean', default: false },
      state: { type: 'string' },
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
  const program = await buildProgram();
  const commands = values.commands.split(',');
  const counts: Counts =
    values.state && existsSync(values.state)
      ? (JSON.parse(await readFile(values.state, 'utf8')) as Counts)
      : { runs: 0, commands: 0, wrong: [], codes: {} };
  const runs = Number(values.runs);
  const bar = new Progress('damage', runs, { unit: 'runs' });
  for (let run = counts.runs; run < runs; run++) {
    const folder = join(place, `run-${run}`);
    const jobs: Job[] = [];
    const drawn = Random.of('dataDamage', values.seed, run);
    for (const [i, [kind, [pattern, damage]]] of Object.entries(KINDS).entries()) {
      const random = Random.of('dataDamage', values.seed, kind, run);
      const able = commands.filter((command) => pattern.source !== /\.mp4$/.source || LOOK.includes(command));
      const chosen = values.alternate ? able.slice((run + i) % able.length).slice(0, 1) : able;
      const data = join(folder, `data-${i}`);
      await cp(sound, data, { recursive: true });
      for (const name of random.shuffle(files.filter((name) => pattern.test(name))).slice(0, BAD))
        await damage(join(data, name), random);
      for (const command of chosen) {
        const out = join(folder, `out-${i}-${command}`);
        const words = COMMANDS[command]?.(data, out, config, 1 + drawn.integer(4)) ?? [command];
        jobs.push({ kind, command, words });
      }
    }
    const first = (run * 7) % jobs.length;
    const order = [...jobs.slice(first), ...jobs.slice(0, first)];
    const outcomes = await inTurn(order, place, program, 1 + drawn.integer(8));
    for (const [i, outcome] of outcomes.entries()) {
      const { kind = '', command = '' } = order[i] ?? {};
      const problem = problemOf(outcome, command, KINDS[kind]?.[2] ?? false);
      if (problem) counts.wrong.push(`${command}, ${kind}, run ${run}: ${problem}: ${outcome.err.trim().slice(-300)}`);
      const key = `${command}: ${kind}: ${outcome.code}`;
      counts.codes[key] = (counts.codes[key] ?? 0) + 1;
    }
    counts.runs++;
    counts.commands += outcomes.length;
    if (values.state) await writeFileAside(values.state, `${JSON.stringify(counts, undefined, 1)}\n`);
    await rm(folder, { recursive: true });
    bar.at(run + 1);
  }
  bar.end();
  await stopBuilt();
  await rm(place, { recursive: true });
  process.stdout.write(`${JSON.stringify(counts, undefined, 1)}\n`);
  return counts.wrong.length > 0 ? 1 : 0;
}

process.exit(await main());

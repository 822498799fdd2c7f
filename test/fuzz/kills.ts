import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'tsdown';
import { Progress, Random, writeFileAside } from '../../src/base/index.ts';
import { writeTinyPolicy } from '../support/model.ts';
import { Fickle, type Habit } from './fickleClient.ts';

/**
 * A server whose planning workers are ended again and again, under clients that come, go, stall and time out, after npm
 * run build: npx tsx test/fuzz/kills.ts [--kills 1000] [--clients 64] [--minutes 30] [--workers 2] [--pause 250]
 * [--state FILE] [--seed TEXT]. Ends with the last kill or after the minutes. `--pause`: at most so many milliseconds
 * lie between a worker that stands and its end. With --state the kills of all runs are counted in the file, by the
 * moment, and gone on with. Prints one JSON object; exit code 1 when the server died, lied about its health, grew, or
 * left a steady client without actions.
 */
const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '1000' },
    clients: { type: 'string', default: '64' },
    minutes: { type: 'string', default: '30' },
    workers: { type: 'string', default: '2' },
    pause: { type: 'string', default: '250' },
    state: { type: 'string' },
    seed: { type: 'string', default: 'kills' },
  },
});

/** What all runs have done that share a file. */
interface State {
  readonly runs: number;
  readonly kills: number;
  /** Servers that ended under way. */
  readonly fatal: number;
  readonly lies: number;
  readonly moments: Readonly<Record<string, number>>;
}
const { state: stateFile } = values;
const before: State =
  stateFile && existsSync(stateFile)
    ? (JSON.parse(readFileSync(stateFile, 'utf8')) as State)
    : { runs: 0, kills: 0, fatal: 0, lies: 0, moments: {} };
const kills = Number(values.kills) - before.kills;
const seed = before.runs > 0 ? `${values.seed}/${before.runs}` : values.seed;
const HABITS: readonly Habit[] = ['steady', 'goes', 'stalls', 'times out'];
/** A server that grows by more than this has a leak. */
const GROWTH_MIB = 128;

interface Said {
  readonly listening?: string[];
  readonly killed: number;
  readonly lies: number;
  readonly moments: Readonly<Record<string, number>>;
  readonly rss?: number;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const quiet = { logLevel: 'error', clean: false, dts: false } as const;
await build({
  ...quiet,
  config: false,
  entry: { killedServer: join(root, 'test/fuzz/killedServer.ts') },
  outDir: join(root, 'dist/soak'),
  platform: 'node',
  fixedExtension: false,
  deps: { neverBundle: ['onnxruntime-node', 'sharp', /^node-av/] },
});
const folder = await mkdtemp(join(tmpdir(), 'valet-kills-'));
const checkpoint = join(folder, 'checkpoint');
await writeTinyPolicy(checkpoint, { samplingSteps: 100 });

const child = spawn(
  process.execPath,
  [join(root, 'dist/soak/killedServer.js'), checkpoint, `${kills}`, seed, values.workers, values.pause],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
let exit: number | string | undefined;
const ended = new Promise<void>((resolve) =>
  child.once('exit', (code, signal) => {
    exit = code ?? signal ?? -1;
    resolve();
  }),
);
const lines = createInterface({ input: child.stdout });
let last: Said = { killed: 0, lies: 0, moments: {} };
const memory: number[] = [];
const url = await new Promise<string>((resolve, reject) => {
  ended.then(() => reject(new Error(`the server ended with ${exit}`)));
  lines.on('line', (line) => {
    last = JSON.parse(line) as Said;
    if (last.listening) resolve(last.listening[0] as string);
    if (last.rss !== undefined) memory.push(last.rss / 2 ** 20);
  });
});

const progress = new Progress('kills', kills, { unit: 'kills' });
const clients = Array.from(
  { length: Number(values.clients) },
  (_, i) => new Fickle(url, i, HABITS[i % HABITS.length] as Habit, Random.of(seed, i)),
);
/** Writes what was done so far beside that of earlier runs. */
async function keep(): Promise<void> {
  if (!stateFile) return;
  const moments: Record<string, number> = { ...before.moments };
  for (const [moment, count] of Object.entries(last.moments)) moments[moment] = (moments[moment] ?? 0) + count;
  const state: State = {
    runs: before.runs + 1,
    kills: before.kills + last.killed,
    fatal: before.fatal + (exit === undefined ? 0 : 1),
    lies: before.lies + last.lies,
    moments,
  };
  await writeFileAside(stateFile, `${JSON.stringify(state, undefined, 1)}\n`);
}

const started = performance.now();
const playing = Promise.all(clients.map((client) => client.play()));
let kept = 0;
while (exit === undefined && last.killed < kills && performance.now() - started < 60_000 * Number(values.minutes)) {
  await sleep(500);
  progress.at(last.killed);
  if (last.killed !== kept) await keep();
  kept = last.killed;
}
await keep();
for (const client of clients) client.stop();
await Promise.race([playing, ended]);
const seconds = (performance.now() - started) / 1000;
progress.end();
// All is quiet: what is not given back now is lost.
await sleep(5000);
const alive = exit === undefined;
const healthUrl = new URL('/healthz', url.replace(/^ws/, 'http'));
let health = 0;
for (let i = 0; alive && health !== 200 && i < 60; i++) {
  // A connection that the server has closed meanwhile is no answer; the next one is asked.
  health = await fetch(healthUrl).then(
    ({ status }) => status,
    () => 0,
  );
  await sleep(500);
}
child.kill('SIGTERM');
await ended;
await rm(folder, { recursive: true, force: true });

const of = (habit: Habit) => clients.filter((client) => client.habit === habit);
const steady = of('steady').map(({ steps }) => steps);
const total = clients.reduce((sum, { steps }) => sum + steps, 0);
const errors: Record<string, number> = {};
for (const client of clients) for (const [what, count] of client.errors) errors[what] = (errors[what] ?? 0) + count;
const mean = steady.reduce((sum, steps) => sum + steps, 0) / steady.length;
const [warm = 0, end = 0] = [memory[Math.min(60, Math.floor(memory.length / 4))], memory.at(-1)];
const { listening: _, rss: __, ...server } = last as unknown as Record<string, unknown>;
const problems = [
  ...(alive ? [] : [`the server ended with ${exit} under way`]),
  ...(alive && exit !== 0 ? [`the server ended with ${exit}, told to`] : []),
  ...(health === 200 ? [] : [`/healthz said ${health} at the end`]),
  ...((server['lies'] as number) > 0 ? ['/healthz said 200 while no worker could plan'] : []),
  ...(end - warm > GROWTH_MIB ? [`memory grew by ${Math.round(end - warm)} MiB`] : []),
  ...(Math.min(...steady) > 0 ? [] : ['a steady client got no action']),
  ...(errors['wrong'] ? ['a reply was no action'] : []),
];
const report = {
  ...server,
  seconds: Math.round(seconds),
  stepsPerSecond: Math.round(total / seconds),
  steps: Object.fromEntries(HABITS.map((habit) => [habit, of(habit).reduce((sum, { steps }) => sum + steps, 0)])),
  slowestSteadyShare: Number((Math.min(...steady) / mean).toFixed(3)),
  longestWaitMs: Math.round(Math.max(...of('steady').map(({ longestMs }) => longestMs))),
  errors,
  memoryMiB: { warm: Math.round(warm), most: Math.round(Math.max(...memory)), end: Math.round(end) },
  problems,
};
process.stdout.write(`${JSON.stringify(report)}\n`);
process.exitCode = problems.length > 0 ? 1 : 0;

import { join } from 'node:path';
import { Progress, ValetError } from '../src/base/index.ts';
import { peerPython } from './peer.ts';
import { type Benchmark, type BenchRow, row } from './row.ts';
import { load, observationBytes, ROBOT_AT_REST } from './serverLoad.ts';
import { Process, repositoryFolder } from './serverProcess.ts';

/** Steps of one plan that are executed: every n-th step after a reset needs a plan. */
const STEPS_PER_PLAN = 20;
const BLOCK = 3 * STEPS_PER_PLAN;
const SIZES = [
  { size: '224', name: '3x224² RGBA', blocks: 50 },
  { size: 'full', name: '720² + 2x480² RGBA', blocks: 20 },
];
const PEER = "openpi's server, no-op policy";
/** Robots whose plans share a pass, in the runs with many clients. */
const BATCH = 16;
const MANY = 64;

/**
 * The policy server with the policy that comes with the package: latency as the official Python client sees it, and
 * many clients at once.
 */
export const server: Benchmark = {
  summary: 'step latency against openpi, plans per second, many clients for minutes',
  async run({ note, settings: { minutes = 10 } }): Promise<BenchRow[]> {
    return [...(await latency(note)), ...(await throughput(note, minutes))];
  },
};

type Note = (line: string) => void;

/** The first address that `valet serve` says it listens on. */
async function listening(valet: Process): Promise<string> {
  const [url] = (await valet.line<{ listening: string[] }>()).listening;
  if (url === undefined) throw new ValetError('bench server', 'valet serve listens nowhere.');
  return url;
}

/**
 * The same Python client against Valet, a no-op policy behind openpi's server, and a server that answers a constant; in
 * turn, block by block.
 */
async function latency(note: Note): Promise<BenchRow[]> {
  const peers = repositoryFolder(join('bench', 'peers'));
  const python = peers && (await peerPython('server', note));
  if (!peers || !python) return [];
  const processes: Process[] = [];
  const start = (process: Process) => {
    processes.push(process);
    return process;
  };
  try {
    const width = String(ROBOT_AT_REST.width);
    const client = start(Process.start(python, [join(peers, 'server_client.py'), JSON.stringify(ROBOT_AT_REST)]));
    const openpi = start(Process.start(python, [join(peers, 'server_policy.py'), width]));
    const constant = start(Process.start(process.execPath, [join(peers, 'server_constant.mjs'), width]));
    const valet = start(
      Process.startValet(['serve', '--checkpoint', 'household', '--port', '0', '--log-level', 'error']),
    );
    const about = await openpi.line<{ port: number; server: string }>();
    note(`the peer is ${about.server}`);
    const ports = {
      openpi: about.port,
      constant: (await constant.line<{ port: number }>()).port,
      valet: Number(new URL(await listening(valet)).port),
    };
    const names = Object.keys(ports) as (keyof typeof ports)[];
    for (const name of names) await client.ask({ do: 'connect', server: name, port: ports[name] });
    const rows: BenchRow[] = [];
    for (const { size, name, blocks } of SIZES) {
      const ms: Record<keyof typeof ports, number[]> = { openpi: [], constant: [], valet: [] };
      const planned: number[] = [];
      for (let block = -1; block < blocks; block++)
        for (const server of names) {
          const reset = server === 'valet';
          const reply = await client.ask<{ ms: number[] }>({ do: 'infer', server, size, count: BLOCK, reset });
          if (block < 0) continue; // the first of each warms up
          for (const [step, time] of reply.ms.entries())
            if (server === 'valet' && step % STEPS_PER_PLAN === 0) planned.push(time);
            else ms[server].push(time);
        }
      rows.push(...latencyRows(name, ms, planned));
    }
    return rows;
  } finally {
    await Promise.all(processes.map((process) => process.stop()));
  }
}

function latencyRows(
  name: string,
  ms: Readonly<Record<'openpi' | 'constant' | 'valet', readonly number[]>>,
  planned: readonly number[],
): BenchRow[] {
  const rows = [50, 99].flatMap((percent) => {
    const [valet, openpi, constant] = [ms.valet, ms.openpi, ms.constant].map((times) => percentile(times, percent)) as [
      number,
      number,
      number,
    ];
    const share = row(`the server's own share of it, ${name}, p${percent}`, valet - constant, 'ms', {
      name: PEER,
      value: openpi - constant,
    });
    const step = row(`step without a plan, ${name}, p${percent}`, valet, 'ms', { name: PEER, value: openpi });
    const floor = row(`a server that answers a constant, ${name}, p${percent}`, constant, 'ms');
    return percent === 50 ? [step, floor, share] : [step, floor];
  });
  const withPlan = [50, 99].map((percent) =>
    row(`step with a plan, ${name}, p${percent}`, percentile(planned, percent), 'ms'),
  );
  return [...rows, ...withPlan];
}

/** Plans of 1, 8 and 64 clients that do nothing but ask for them, then 64 clients for minutes. */
async function throughput(note: Note, minutes: number): Promise<BenchRow[]> {
  const args = [
    '--checkpoint',
    'household',
    '--port',
    '0',
    '--log-level',
    'error',
    '--max-connections',
    String(2 * MANY),
  ];
  const valet = Process.startValet(['serve', ...args, '--batch', String(BATCH)]);
  try {
    const url = await listening(valet);
    const small = observationBytes(64, 1);
    const rows: BenchRow[] = [];
    for (const clients of [1, 8, MANY]) {
      await load(url, { clients, seconds: 1, message: small, resetEach: true });
      const { perClient, seconds, errors } = await load(url, { clients, seconds: 5, message: small, resetEach: true });
      if (errors.length > 0) throw new ValetError('bench server', `${errors.length} errors, the first: ${errors[0]}.`);
      rows.push(row(`plans per second, ${clients} client${clients > 1 ? 's' : ''}`, sum(perClient) / seconds, '1/s'));
    }
    note(`${MANY} clients for ${minutes} minutes`);
    const progress = new Progress(`${MANY} clients`, Math.round(60 * minutes), { unit: 's' });
    const message = observationBytes(224, 2);
    await load(url, { clients: MANY, seconds: 5, message, resetEach: false });
    const memory: number[] = [];
    const run = await load(url, {
      clients: MANY,
      seconds: 60 * minutes,
      message,
      resetEach: false,
      onSecond: (second) => {
        progress.at(Math.round(second));
        void residentBytes(url).then((bytes) => memory.push(bytes));
      },
    });
    progress.end();
    const mean = sum(run.perClient) / MANY;
    const tenth = Math.max(1, Math.floor(memory.length / 10));
    const [first, last] = [average(memory.slice(tenth, 2 * tenth)), average(memory.slice(-tenth))];
    return [
      ...rows,
      row(`steps per second, ${MANY} clients, 3x224² RGBA`, sum(run.perClient) / run.seconds, '1/s'),
      row(`latency, ${MANY} clients, p50`, percentile(run.ms, 50), 'ms'),
      row(`latency, ${MANY} clients, p99`, percentile(run.ms, 99), 'ms'),
      row(`slowest client against the mean, ${minutes} minutes`, Math.min(...run.perClient) / mean, '1'),
      row('resident memory after a tenth of the time', first / 2 ** 20, 'MiB'),
      row('resident memory at the end', last / 2 ** 20, 'MiB'),
      row(`errors, ${minutes} minutes`, run.errors.length, '1'),
    ];
  } finally {
    await valet.stop();
  }
}

async function residentBytes(url: string): Promise<number> {
  const text = await (await fetch(new URL('/metrics', url.replace(/^ws/, 'http')))).text();
  return Number(/^process_resident_memory_bytes (\S+)/m.exec(text)?.[1] ?? Number.NaN);
}

function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((percent / 100) * sorted.length))] ?? Number.NaN;
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
const average = (values: readonly number[]) => sum(values) / values.length;

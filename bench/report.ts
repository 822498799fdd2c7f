import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot, ValetError } from '../src/base/index.ts';
import {
  evaluate,
  type LedgerLine,
  lineText,
  readEvaluation,
  readRecords,
  unitName,
  writeReport,
} from '../src/evaluate/index.ts';
import { type Benchmark, type BenchRow, row } from './row.ts';

const TASKS = ['turning_on_radio', 'picking_up_trash', 'bringing_water'];
/** Episodes of each task that are played; all others are copies of their recordings. */
const PLAYED = 8;
const ROLLOUTS = 1000;
const LINES = 100_000;

/** The report of many recorded rollouts, and how fast a long ledger is read. */
export const report: Benchmark = {
  summary: 'report of 1,000 recorded rollouts of the shipped policy, and loading 100,000 ledger lines',
  async run({ note }): Promise<BenchRow[]> {
    const folder = await mkdtemp(join(tmpdir(), 'valet-bench-'));
    try {
      const played = join(folder, 'played');
      note(`playing ${TASKS.length * PLAYED} episodes`);
      await evaluate({
        policy: { kind: 'checkpoint', folder: join(packageRoot(), 'policies', 'household') },
        ...{ tasks: TASKS, instances: Array.from({ length: PLAYED }, (_, i) => i), out: played, silent: true },
      });
      const many = join(folder, 'many');
      note(`copying their recordings, ${ROLLOUTS} in all`);
      await multiply(played, many, ROLLOUTS, true);
      const first = await seconds(() => makeReport(many));
      const second = await seconds(() => makeReport(many));
      const page = (await stat(join(many, 'report.html'))).size;
      const long = join(folder, 'long');
      await multiply(played, long, LINES, false);
      const alone = await seconds(() => load(long));
      await cp(join(long, 'ledger.jsonl'), join(long, 'ledger.copy.jsonl'));
      const both = await seconds(() => load(long));
      const summed = await seconds(() => readEvaluation(long));
      return [
        ...rows(`report of ${ROLLOUTS} recorded rollouts, the first time`, first),
        ...rows('the same again', second),
        row('its page', page / 1e6, 'MB'),
        ...rows(`loading ${LINES} ledger lines`, alone),
        ...rows('the same with the ledger’s copy beside it', both),
        ...rows('the same with scores and intervals', summed),
      ];
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

/** What `valet report` does. */
async function makeReport(folder: string): Promise<void> {
  await readEvaluation(folder);
  await writeReport(folder);
}

async function load(folder: string): Promise<void> {
  const { lines } = await readRecords(folder);
  if (lines.length !== LINES) throw new ValetError('bench report', `${lines.length} lines were read of ${LINES}.`);
}

interface Taken {
  readonly wall: number;
  /** Of all threads, user and system: what the work takes on a machine that has nothing else to do, at most. */
  readonly processor: number;
}

async function seconds(work: () => Promise<unknown>): Promise<Taken> {
  const [start, before] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(before);
  return { wall: (performance.now() - start) / 1000, processor: (user + system) / 1e6 };
}

const rows = (name: string, { wall, processor }: Taken): BenchRow[] => [
  row(name, wall, 's'),
  row(`${name}, processor time`, processor, 's'),
];

/** An evaluation of `count` episodes: those of `source` again and again, as further instances. */
async function multiply(source: string, out: string, count: number, withRecordings: boolean): Promise<void> {
  await mkdir(join(out, 'rollouts'), { recursive: true });
  await cp(join(source, 'run.json'), join(out, 'run.json'));
  const text = await readFile(join(source, 'ledger.jsonl'), 'utf8');
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as LedgerLine & { crc32: string });
  const many = Array.from({ length: count }, (_, i): readonly [LedgerLine, LedgerLine] => {
    const { crc32: __, ...line } = lines[i % lines.length] as (typeof lines)[number];
    return [line, { ...line, instance: line.instance + PLAYED * Math.floor(i / lines.length) }];
  });
  await writeFile(join(out, 'ledger.jsonl'), many.map(([, line]) => `${lineText(line)}\n`).join(''));
  if (!withRecordings) return;
  for (const [old, line] of many) {
    const [from, to] = [join(source, 'rollouts', unitName(old)), join(out, 'rollouts', unitName(line))];
    await mkdir(to);
    const names = await readdir(from, { withFileTypes: true });
    for (const { name } of names.filter((entry) => entry.name !== 'replay.js'))
      await cp(join(from, name), join(to, name), { recursive: true });
  }
}

import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readTrainingStep } from '../../src/train/index.ts';
import type { Check } from '../check.ts';
import { Skip } from '../python.ts';

const ROOT = join(import.meta.dirname, '../..');
const VALET = join(ROOT, 'dist/valet.js');
const run = promisify(execFile);
const NANO = ['--config', 'nano', '--threads', '1', '--seed', '1', '--set', 'batch=8', '--set', 'logEvery=1'];
const OTHERS = ['--set', 'checkpointEvery=5', '--set', 'validation.share=0'];
/** Enough that a rank is killed on the way, between two checkpoints. */
const STEPS = '40';
/** Largest difference of losses and norms, relative. */
const NEAR = 1e-4;

interface Mpi {
  readonly name: string;
  readonly packages: readonly string[];
  readonly launcher: string;
  readonly options: readonly string[];
}

const KINDS: readonly Mpi[] = [
  {
    name: 'Open MPI',
    packages: ['openmpi-bin'],
    launcher: 'mpirun.openmpi',
    options: ['--allow-run-as-root', '--oversubscribe', '--bind-to', 'none'],
  },
  { name: 'MPICH', packages: ['mpich'], launcher: 'mpirun.mpich', options: [] },
];

/**
 * What srun tells its ranks, in place of what mpirun does; the MPI library still hears of its own launcher, by PMIx or
 * PMI.
 */
const AS_SRUN =
  'export SLURM_STEP_NUM_TASKS=$OMPI_COMM_WORLD_SIZE$PMI_SIZE SLURM_PROCID=$OMPI_COMM_WORLD_RANK$PMI_RANK; ' +
  'unset OMPI_COMM_WORLD_SIZE OMPI_COMM_WORLD_RANK; exec "$@"';

/** Two ranks against one process, resumed with one and with two, one killed on the way; by each MPI that can be had. */
export const check: Check = async (report) => {
  const kinds: Mpi[] = [];
  for (const kind of KINDS) if (await isThere(kind)) kinds.push(kind);
  if (kinds.length === 0)
    throw new Skip('there is no MPI here, and none can be installed (apt-get install openmpi-bin)');
  await run('npm', ['run', '-s', 'build:program'], { cwd: ROOT });
  const place = await mkdtemp(join(tmpdir(), 'valet-interop-mpi-'));
  try {
    const demos = ['home', 'demos', '--tasks', 'turning_on_radio', '--episodes', '2', '--out', 'demos'];
    await run(process.execPath, [VALET, ...demos, '--image-size', '64'], { cwd: place });
    const train = ['train', ...NANO, ...OTHERS, '--data', 'demos'];
    await run(process.execPath, [VALET, ...train, '--out', 'alone', '--steps', STEPS], { cwd: place });
    for (const kind of kinds) await checkKind(kind, { place, train, report });
  } finally {
    await rm(place, { recursive: true, force: true });
  }
};

async function checkKind(
  { name, launcher, options }: Mpi,
  { place, train, report }: { place: string; train: readonly string[]; report: Parameters<Check>[0] },
): Promise<void> {
  const inTwo = [...options, '-n', '2', process.execPath, VALET, ...train];
  const out = (what: string) => `${launcher}-${what}`;
  const near = async (what: string) => {
    const worst = await furthest(join(place, 'alone'), join(place, out(what)));
    return [worst < NEAR, `at most ${worst.toExponential(1)}`] as const;
  };
  await run(launcher, [...inTwo, '--out', out('two'), '--steps', STEPS], { cwd: place });
  const [last] = (await metrics(join(place, out('two')))).slice(-1);
  report(`${name}: two ranks follow the curve of one process`, ...(await near('two')));
  report(`${name}: what an update's exchange costs`, Number(last?.['reduce']) > 0, `${last?.['reduce']} ms`);

  const told = ['bash', '-c', AS_SRUN, 'bash'];
  const bySrun = [...options, '-n', '2', ...told, process.execPath, VALET, ...train];
  await run(launcher, [...bySrun, '--out', out('srun'), '--steps', STEPS], { cwd: place });
  report(`${name}: two ranks that are told what srun tells`, ...(await near('srun')));

  // Killed after its first checkpoint; resumed by two ranks and, from the same state, by one.
  const child = spawn(launcher, [...inTwo, '--out', out('killed'), '--steps', STEPS], { cwd: place, stdio: 'ignore' });
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const folder = join(place, out('killed'), 'checkpoints');
  await until(
    async () => (await readdir(folder).catch((): string[] => [])).includes('latest') || child.exitCode !== null,
  );
  const ranks = await descendants(child.pid ?? 0);
  const victim = ranks.at(-1);
  if (victim === undefined) throw new Error(`${name}: no rank is there to kill`);
  process.kill(victim, 'SIGKILL');
  const code = await ended;
  const step = await readTrainingStep(join(folder, 'latest'));
  const left = (await descendants(child.pid ?? 0)).length;
  report(`${name}: a rank killed with -9 ends the job`, code !== 0 && left === 0, `exit code ${code}`);
  report(`${name}: and leaves the last checkpoint whole`, step >= 5 && step < Number(STEPS), `of step ${step}`);
  await run('cp', ['-r', join(place, out('killed')), join(place, out('one'))]);
  await run(launcher, [...inTwo, '--out', out('killed'), '--steps', STEPS, '--resume'], { cwd: place });
  report(`${name}: resumed by two ranks`, ...(await near('killed')));
  await run(process.execPath, [VALET, ...train, '--out', out('one'), '--steps', STEPS, '--resume'], { cwd: place });
  report(`${name}: resumed by one process`, ...(await near('one')));
}

/** Whether a launcher is there, or can be installed. */
async function isThere({ launcher, packages }: Mpi): Promise<boolean> {
  const found = () =>
    run('which', [launcher]).then(
      () => true,
      () => false,
    );
  if (await found()) return true;
  await run('apt-get', ['update', '-qq']).catch(() => undefined);
  await run('apt-get', ['install', '-y', '-qq', ...packages]).catch(() => undefined);
  return found();
}

const metrics = async (folder: string): Promise<Record<string, number>[]> =>
  (await readFile(join(folder, 'metrics.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

/** The largest relative difference of losses and norms, line by line. */
async function furthest(a: string, b: string): Promise<number> {
  const [one, other] = [await metrics(a), await metrics(b)];
  if (one.length !== other.length) return Number.POSITIVE_INFINITY;
  return Math.max(
    ...one.flatMap((line, i) =>
      ['loss', 'gradientNorm'].map((key) => Math.abs(Number(other[i]?.[key]) / Number(line[key]) - 1)),
    ),
  );
}

async function until(done: () => Promise<boolean>): Promise<void> {
  while (!(await done())) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Processes of Valet below another, by the system's table. */
async function descendants(pid: number): Promise<number[]> {
  const { stdout } = await run('ps', ['-eo', 'pid=,ppid=,args=']);
  const rows = stdout.split('\n').flatMap((line) => {
    const [, id, parent, words = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return id === undefined ? [] : [{ id: Number(id), parent: Number(parent), words }];
  });
  const below = (of: number): typeof rows =>
    rows.filter(({ parent }) => parent === of).flatMap((row) => [row, ...below(row.id)]);
  return below(pid).flatMap(({ id, words }) => (/^\S*node \S*valet\.js /.test(words) ? [id] : []));
}

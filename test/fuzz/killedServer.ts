import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { endProcess, Random } from '../../src/base/index.ts';
import { PlannerClient } from '../../src/model/index.ts';
import { CheckpointPool, planningWorkers, tryPlanner } from '../../src/serve/planners/index.ts';
import { Metrics, startServer } from '../../src/serve/server/index.ts';

/**
 * The server of `kills.ts`: its planning workers are ended at random moments, while they load too; its checkpoint is
 * loaded again now and then, plans that take long are given up. Says what it did every second, one line of JSON.
 */
const [checkpoint = '', kills = '0', seed = '', workers = '2', pauseMs = '250'] = process.argv.slice(2);
/** Every so many kills the checkpoint changes. */
const RELOAD_EVERY = 25;
const WORKERS = Number(workers);

const random = Random.of('killedServer', seed);
const alive = new Set<PlannerClient>();
/** Workers that are being started: what ends them. */
const loading = new Set<AbortController>();
const done = { killed: 0, killedLoading: 0, reloads: 0, failedReloads: 0, restarts: 0, failedRestarts: 0, lies: 0 };
/** Kills by what the worker was doing: loading, nothing, or a tenth of a pass of the usual length. */
const moments: Record<string, number> = {};
/** Workers within a pass, and since when. */
const busy = new Map<PlannerClient, number>();
let usualMs = 1000;
const metrics = new Metrics();
const load = planningWorkers({
  workers: WORKERS,
  planner: { threads: 1 },
  batching: {
    size: 2,
    waitMs: 2,
    maxWaiting: 48,
    onPass: (pass) => metrics.pass(pass),
    onWaiting: (change) => metrics.queued.inc(change),
  },
  supervision: {
    onRestart: () => done.restarts++,
    onFailedRestart: () => done.failedRestarts++,
    backoffMs: [50],
    hangMs: 500,
  },
  start: async (folder, options, admit, signal) => {
    const abort = new AbortController();
    loading.add(abort);
    const wanted = signal ? AbortSignal.any([signal, abort.signal]) : abort.signal;
    const worker = await PlannerClient.start(folder, options, admit, wanted).finally(() => loading.delete(abort));
    alive.add(worker);
    const plan = worker.plan.bind(worker);
    worker.plan = async (...asked) => {
      const began = performance.now();
      busy.set(worker, began);
      try {
        const predictions = await plan(...asked);
        usualMs = 0.9 * usualMs + 0.1 * (performance.now() - began);
        return predictions;
      } finally {
        busy.delete(worker);
      }
    };
    void worker.died.then(() => alive.delete(worker));
    return worker;
  },
});
const pool = new CheckpointPool(load, {
  trial: (planner, _, signal) => tryPlanner(planner, 0, 60_000, signal),
  onLoad: (how) => {
    if (how === 'again') done.reloads++;
    if (how === 'failed') done.failedReloads++;
  },
});
const server = await startServer({
  plannerFor: () => pool.planner(checkpoint),
  isUp: () => pool.isUp,
  metrics,
  limits: { planTimeoutMs: 20_000, resumeMs: 5000, maxConnectionsPerSecond: 1e6, closeMs: 2000 },
});
await server.ready;
const health = new URL('/healthz', server.urls[0]?.replace(/^ws/, 'http'));

/** What /healthz says must be so, as long as it stays so. */
async function checkHealth(): Promise<void> {
  const before = pool.isUp;
  const { status } = await fetch(health);
  if (!before && !pool.isUp && status === 200) done.lies++;
}

const tenth = (ms: number): number => 1 + Math.min(9, Math.floor((10 * ms) / usualMs));
function count(moment: string): void {
  moments[moment] = (moments[moment] ?? 0) + 1;
}

let stopped = false;
let reloading = false;
async function killAll(): Promise<void> {
  while (!stopped && done.killed < Number(kills)) {
    await sleep(Number(pauseMs) * random.uniform());
    const standing = [...alive].filter(({ isDead }) => !isDead);
    // One in ten while it loads; now and then the last that stands.
    const [load] = 10 * done.killedLoading < done.killed ? loading : [];
    const worker = standing[random.integer(Math.max(1, standing.length))];
    if (load) {
      count(reloading ? 'reload' : 'loading');
      load.abort();
      done.killedLoading++;
    } else if (worker && (standing.length > 1 || random.uniform() < 0.05)) {
      const began = busy.get(worker);
      count(began === undefined ? 'between two' : `${tenth(performance.now() - began)} of 10`);
      void worker.kill();
    } else continue;
    await checkHealth();
    if (++done.killed % RELOAD_EVERY === 0) await touch();
  }
}

/** The checkpoint is written anew: it is loaded beside the old one. */
async function touch(): Promise<void> {
  await utimes(join(checkpoint, 'params.safetensors'), new Date(), new Date());
  await pool.look();
  reloading = true;
  void pool
    .look()
    .catch(() => undefined)
    .finally(() => {
      reloading = false;
    });
}

const say = (more: object = {}) =>
  process.stdout.write(`${JSON.stringify({ ...done, moments, workers: alive.size, ...more })}\n`);
say({ listening: server.urls });
const every = setInterval(() => say({ rss: process.memoryUsage.rss() }), 1000);
void killAll();
process.on('SIGTERM', async () => {
  stopped = true;
  clearInterval(every);
  await server.close();
  await pool.close();
  await endProcess(0);
});

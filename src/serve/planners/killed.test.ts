import { mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { writeTinyPolicy } from '../../../test/support/model.ts';
import { fakeObservation } from '../../../test/support/serve.ts';
import { PlannerClient } from '../../model/index.ts';
import type { PlanRequest } from '../../robot/index.ts';
import { CheckpointPool } from './checkpointPool.ts';
import { planningWorkers } from './planningWorkers.ts';
import { SupervisedPlanner } from './supervisedPlanner.ts';
import { tryPlanner } from './tryPlanner.ts';
import { PlanTooLateError, planInTime } from './urgentPlanner.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

/** A real network in a real worker that is ended at every moment of a plan. An abort would end this process too. */
let folder: string;
let planner: SupervisedPlanner;
const workers: PlannerClient[] = [];
const restarts: string[] = [];
const request = (): PlanRequest => ({ ...fakeObservation(), stage: 0, state: new Float32Array(23), seed: 'same' });
/** Milliseconds that a plan takes, and the plan. */
let planMs = 0;
let plan: Float64Array;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-killed-'));
  await writeTinyPolicy(folder, { samplingSteps: 200 });
  const start = async () => {
    const worker = await PlannerClient.start(folder, { threads: 1 });
    workers.push(worker);
    return worker;
  };
  planner = await SupervisedPlanner.start(start, { backoffMs: [10], onRestart: (why) => restarts.push(why) });
  await planner.plan([request()]);
  const began = performance.now();
  plan = (await planner.plan([request()]))[0]!.actions;
  planMs = performance.now() - began;
});
afterAll(async () => {
  await planner?.close();
  await rm(folder, { recursive: true });
});

describe('a worker that is ended', () => {
  it.each([0, 0.2, 0.4, 0.6, 0.8, 1])('after %f of a plan: the robot gets the same plan of the next', async (part) => {
    restarts.length = 0;
    const planned = planner.plan([request()]);
    await sleep(part * planMs);
    const worker = workers.at(-1)!;
    await worker.kill();
    await worker.died;
    expect((await planned)[0]!.actions).toEqual(plan);
    await expect.poll(() => planner.isUp, { timeout: 60_000 }).toBe(true);
    expect(restarts).toEqual(['died']);
  });

  it.each([0.1, 0.5, 0.9])(
    'while a plan is given up after %f of it: the next plan comes from the same worker',
    async (part) => {
      restarts.length = 0;
      const late = planInTime(planner, [request()], part * planMs);
      // On a busy machine's one quick moment it may be there in time.
      await late.catch((error: Error) => expect(error).toBeInstanceOf(PlanTooLateError));
      expect((await planner.plan([request()]))[0]!.actions).toEqual(plan);
      expect(restarts).toEqual([]);
    },
  );

  it('while it loads: at its first step, at its second, and closed in between', async () => {
    const refuse = () => Promise.reject(new Error('no memory'));
    await expect(PlannerClient.start(folder, {}, refuse)).rejects.toThrow(/no memory/);
    for (const ms of [0, 30, 300]) {
      const abort = new AbortController();
      const started = PlannerClient.start(folder, {}, undefined, abort.signal).then(
        async (client) => {
          await client.close();
          return 'the worker was closed.';
        },
        ({ message }: Error) => message,
      );
      await sleep(ms);
      abort.abort();
      expect(await started).toMatch(/the worker was closed\.$/);
    }
  });

  it('while its checkpoint is loaded again: the old one plans on, and the new one takes over in the end', async () => {
    // Ends the loads in turn: before it is measured, when it is, when it stands, in its trial.
    const ends = ['measure', 'open', 'stand', 'trial'];
    const ended: string[] = [];
    const load = planningWorkers({
      batching: { size: 1 },
      supervision: { backoffMs: [10] },
      start: async (path, options, admit, signal) => {
        const end = ended.length < ends.length && reloading ? ends[ended.length] : undefined;
        const abort = new AbortController();
        const kill = () => {
          ended.push(end as string);
          abort.abort();
        };
        if (end === 'measure') setTimeout(kill);
        const admitted = async (bytes: number) => {
          await admit?.(bytes);
          if (end === 'open') kill();
        };
        const wanted = signal ? AbortSignal.any([signal, abort.signal]) : abort.signal;
        const client = await PlannerClient.start(path, { ...options, threads: 1 }, admitted, wanted);
        if (end === 'stand' || end === 'trial') ended.push(end);
        if (end === 'stand') await client.kill();
        if (end === 'trial') setTimeout(() => void client.kill(), planMs / 2);
        return client;
      },
    });
    let reloading = false;
    const loads: string[] = [];
    const pool = new CheckpointPool(load, {
      trial: (loaded, _, signal) => tryPlanner(loaded, 0, 60_000, signal),
      onLoad: (how) => loads.push(how),
    });
    const served = await pool.planner(folder);
    expect((await served.plan([request()]))[0]!.actions).toEqual(plan);
    reloading = true;
    await utimes(join(folder, 'params.safetensors'), new Date(), new Date());
    while (loads.at(-1) !== 'again') {
      const [planned] = await Promise.all([served.plan([request()]), pool.look()]);
      expect(planned[0]!.actions).toEqual(plan);
      expect(pool.isUp).toBe(true);
    }
    expect(ended).toEqual(ends);
    expect((await served.plan([request()]))[0]!.actions).toEqual(plan);
    await pool.close();
  });
});

import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type Latch, latch } from '../../../test/support/latch.ts';
import { tinyNetwork, tinyStatistics } from '../../../test/support/model.ts';
import { fakeObservation } from '../../../test/support/serve.ts';
import { createPolicy, createSession } from '../../control/index.ts';
import { createPlanner, initParameters, PlannerClient, readCheckpoint, writeCheckpoint } from '../../model/index.ts';
import { RemotePolicy } from '../client/remotePolicy.ts';
import { type PolicyServer, startServer } from '../server/server.ts';
import { CheckpointPool } from './checkpointPool.ts';
import { planningWorkers } from './planningWorkers.ts';
import { tryPlanner } from './tryPlanner.ts';

/** Real networks in real worker threads, behind a real server. */
let folder: string;
let pool: CheckpointPool;
let server: PolicyServer;
let url: string;
const workers: PlannerClient[] = [];
/** Further workers stand only once this is open. */
let standing: Latch | undefined;
/** Where the left arm is when a plan ends its worker. */
const DEADLY = 0.9;
const passes: number[] = [];
const restarts: string[] = [];
const checkpoint = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-workers-'));
  await write('one', 1);
  await write('two', 2);
  const load = planningWorkers({
    planner: { threads: 1 },
    batching: { size: 4, waitMs: 10, onPass: ({ size }) => passes.push(size) },
    supervision: { onRestart: (why) => restarts.push(why), backoffMs: [50] },
    start: async (path, options, admit, signal) => {
      const client = await PlannerClient.start(path, options, admit, signal);
      const plan = client.plan.bind(client);
      client.plan = (requests, urgency) => {
        const planned = plan(requests, urgency);
        if (requests.some(({ state }) => state[7] === Math.fround(DEADLY))) void client.kill();
        return planned;
      };
      await standing?.opened;
      workers.push(client);
      return client;
    },
  });
  pool = new CheckpointPool(load, { trial: (planner) => tryPlanner(planner, 0, 60_000) });
  server = await startServer({
    plannerFor: (task) => pool.planner(checkpoint(task === 2 ? 'two' : 'one')),
    isUp: () => pool.isUp,
    sessionOptions: { seed: 5 },
  });
  await server.ready;
  url = server.urls[0]!;
});
afterAll(async () => {
  await server?.close();
  await pool?.close();
  await rm(folder, { recursive: true, force: true });
});

async function write(name: string, seed: number, replace = false): Promise<void> {
  const contents = {
    config: tinyNetwork,
    parameters: initParameters(tinyNetwork, seed),
    normStats: tinyStatistics(),
    card: {},
    policy: { samplingSteps: 2 },
  };
  await writeCheckpoint(checkpoint(name), contents, { replace });
}

const health = async () => (await fetch(url.replace('ws', 'http').concat('/healthz'))).status;

const observations = (robot: number, steps: number) =>
  Array.from({ length: steps }, (_, step) =>
    fakeObservation({ taskId: 1, joint: 0.05 * robot + step / 500, shade: 20 * robot + step }),
  );

/** What a robot alone would get, planned in this thread. */
async function alone(name: string, robot: number, steps: number): Promise<Float32Array[]> {
  const planner = await createPlanner(await readCheckpoint(checkpoint(name)), { threads: 1 });
  const policy = createPolicy({ planner, session: createSession({ seed: 5 }) });
  const actions: Float32Array[] = [];
  for (const observation of observations(robot, steps)) actions.push(await policy.act(observation));
  await planner.close();
  return actions;
}

describe('several robots on one network in a worker', () => {
  it('get bit for bit what each would get alone, while their plans share passes', async () => {
    const robots = [0, 1, 2, 3, 4];
    passes.length = 0;
    const got = await Promise.all(
      robots.map(async (robot) => {
        const policy = await RemotePolicy.connect(url);
        const actions: Float32Array[] = [];
        for (const observation of observations(robot, 41)) actions.push(await policy.act(observation));
        await policy.close();
        return actions;
      }),
    );
    for (const robot of robots) expect(got[robot]).toEqual(await alone('one', robot, 41));
    expect(Math.max(...passes)).toBeGreaterThan(1);
  });

  it('go on when the worker is killed in mid-plan, and are let in; /healthz says no meanwhile', async () => {
    const [worker] = workers.filter(({ isDead }) => !isDead);
    const policies = await Promise.all([0, 1, 2].map(() => RemotePolicy.connect(url)));
    restarts.length = 0;
    const acting = policies.map((policy, robot) => policy.act(observations(robot, 1)[0]!));
    await new Promise((resolve) => setTimeout(resolve, 3)); // on its way, waiting for company or planned
    standing = latch();
    await worker!.kill();
    expect(await health()).toBe(503);
    // Most clients take a refusal for the end.
    const newcomer = new WebSocket(url);
    await new Promise((resolve, reject) => newcomer.once('message', resolve).once('error', reject));
    newcomer.terminate();
    standing.open();
    const actions = await Promise.all(acting);
    for (const robot of [0, 1, 2]) expect(actions[robot]).toEqual((await alone('one', robot, 1))[0]);
    expect(restarts).toEqual(['died']);
    expect(await health()).toBe(200);
    await Promise.all(policies.map((policy) => policy.close()));
  });

  it("notice a delay at most when one robot's plan ends every worker; that robot is told", async () => {
    const robots = [0, 1, 2];
    const policies = await Promise.all([0, ...robots].map(() => RemotePolicy.connect(url)));
    const [doomed, ...others] = policies;
    const told = doomed!.act(fakeObservation({ joint: DEADLY })).catch(({ message }: Error) => message);
    const actions = await Promise.all(others.map((policy, robot) => policy.act(observations(robot, 1)[0]!)));
    for (const robot of robots) expect(actions[robot]).toEqual((await alone('one', robot, 1))[0]);
    expect(await told).toMatch(/no plan could be made/);
    await expect.poll(health, { timeout: 60_000 }).toBe(200);
    await Promise.all(policies.map((policy) => policy.close()));
  });

  it('go on when a checkpoint is deleted; who needs a plan of a dead worker then gets an error', async () => {
    const policy = await RemotePolicy.connect(url);
    const other = await RemotePolicy.connect(url);
    await other.act(fakeObservation({ taskId: 2 }));
    await cp(checkpoint('two'), checkpoint('copy'), { recursive: true });
    await rm(checkpoint('two'), { recursive: true });
    await pool.look();
    await pool.look();
    for (let step = 0; step < 25; step++) await other.act(fakeObservation({ taskId: 2, joint: step / 100 }));
    // Its worker dies as well: no network is left for task 2.
    await workers.at(-1)!.kill();
    await other.reset();
    await expect(other.act(fakeObservation({ taskId: 2 }))).rejects.toThrow(/error [0-9a-f]{8}: no plan could be made/);
    expect(await policy.act(observations(0, 1)[0]!)).toHaveLength(23);
    // It comes back as soon as the folder does.
    await cp(checkpoint('copy'), checkpoint('two'), { recursive: true });
    const again = async () => {
      const third = await RemotePolicy.connect(url);
      const length = await third.act(fakeObservation({ taskId: 2 })).then(
        (action) => action.length,
        () => 0,
      );
      await third.close();
      return length;
    };
    await expect.poll(again, { timeout: 50_000, interval: 200 }).toBe(23);
    await policy.close();
  });

  it('get the next plan from a checkpoint that was trained on meanwhile', async () => {
    const policy = await RemotePolicy.connect(url);
    const old = await alone('one', 1, 21);
    const seen = observations(1, 21);
    for (let step = 0; step < 10; step++) expect(await policy.act(seen[step]!)).toEqual(old[step]);
    await write('one', 3, true);
    await pool.look();
    await pool.look();
    // What was planned is finished; then the new network plans.
    for (let step = 10; step < 20; step++) expect(await policy.act(seen[step]!)).toEqual(old[step]);
    expect(await policy.act(seen[20]!)).not.toEqual(old[20]);
    await policy.reset();
    await policy.close();
    const fresh = await RemotePolicy.connect(url);
    expect(await fresh.act(seen[0]!)).toEqual((await alone('one', 1, 1))[0]);
    await fresh.close();
  });
});

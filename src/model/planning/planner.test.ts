import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChunkStatistics } from '../../action/index.ts';
import { Random } from '../../base/index.ts';
import { CHALLENGE_ROBOT, type Picture, type Planner, type PlanRequest, type Prediction } from '../../robot/index.ts';
import { writeSafetensors } from '../../tensor/index.ts';
import { type Checkpoint, checkpointSession, loadParameters, readCheckpoint, writeCheckpoint } from '../checkpoint.ts';
import { modelConfig } from '../network/config.ts';
import { initParameters } from '../network/initialise.ts';
import { configs } from '../network/presets.ts';
import { createPlanner, type PlannerOptions } from './planner.ts';
import { PlannerClient } from './plannerClient.ts';

const config = configs.nano;
let root: string;
let folder: string;
let checkpoint: Checkpoint;
/** One planner for the tests that need no other. */
let planner: Planner;

function someStatistics(): ChunkStatistics {
  const [horizon, width] = [30, 32];
  const row = (n: number, x: number) => Float64Array.from({ length: n * width }, (_, i) => (i % width < 23 ? x : 0));
  const moments = (n: number) => ({ mean: row(n, 0.1), std: row(n, 0.5), q01: row(n, -1), q99: row(n, 1) });
  const cholesky = new Float64Array((horizon * width) ** 2);
  for (let i = 0; i < horizon * width; i++) {
    // Each step leans on the one before: a lower factor with unit rows.
    const before = i - width;
    const leans = before >= 0 && i % width < 23;
    cholesky[i * horizon * width + i] = leans ? 0.6 : 1;
    if (leans) cholesky[i * horizon * width + before] = 0.8;
  }
  const correlation = {
    cholesky,
    spatial: new Float64Array(width * width),
    temporal: new Float64Array(horizon * horizon),
  };
  return { horizon, width, state: moments(1), actions: moments(1), perTimestep: moments(horizon), correlation };
}

function request(seed: string, change: Partial<PlanRequest> = {}): PlanRequest {
  const random = Random.of('request');
  const picture = (side: number): Picture => ({
    width: side,
    height: side,
    channels: 3,
    data: Uint8Array.from({ length: side * side * 3 }, () => random.integer(256)),
  });
  const pictures = Object.fromEntries(
    CHALLENGE_ROBOT.cameraNames.map((camera) => [camera, picture(config.imageSize)]),
  ) as PlanRequest['pictures'];
  return { taskId: 0, stage: 1, state: new Float32Array(23).fill(0.2), pictures, seed, ...change };
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'valet-model-'));
  folder = join(root, 'checkpoint');
  const parameters = initParameters(config, 1);
  const random = Random.of('weights'); // every path does something: adaRMS and KV mixing start at zero otherwise
  for (const { data } of parameters.values())
    for (let i = 0; i < data.length; i++) (data as Float32Array)[i]! += 0.02 * random.normal();
  await writeCheckpoint(folder, {
    config,
    parameters,
    normStats: someStatistics(),
    card: { steps: 0 },
    policy: { samplingSteps: 5 },
  });
  checkpoint = await readCheckpoint(folder);
  planner = await createPlanner(checkpoint);
});
afterAll(async () => {
  await planner.close();
  await rm(root, { recursive: true, force: true });
});

describe('checkpoint folder', () => {
  it('reads back what was written', () => {
    expect(checkpoint.config).toEqual(config);
    expect(checkpoint.policy).toMatchObject({ samplingSteps: 5, assetId: 'household' });
    expect(checkpoint.card).toEqual({ steps: 0, statistics: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(checkpoint.parameters.size).toBeGreaterThan(60);
    expect(checkpoint.normStats.perTimestep.std[0]).toBe(0.5);
  });

  it('is not written over', async () => {
    const { config, normStats, card } = checkpoint;
    const parameters = await loadParameters(checkpoint);
    await expect(writeCheckpoint(folder, { config, parameters, normStats, card })).rejects.toThrow('exists already');
  });

  it('says what is wrong with a bad one', async () => {
    await expect(readCheckpoint(join(root, 'nowhere'))).rejects.toThrow('is no folder');
    await expect(readCheckpoint(root)).rejects.toThrow('config.json is missing');
    const bad = join(root, 'bad');
    const { config, normStats, card } = checkpoint;
    const parameters = await loadParameters(checkpoint);
    await writeCheckpoint(bad, { config, parameters, normStats, card });
    const fewer = new Map(parameters);
    fewer.delete('gate_task/kernel');
    await writeSafetensors(join(bad, 'params.safetensors'), fewer);
    await expect(readCheckpoint(bad)).rejects.toThrow(/1 of \d+ parameters are missing, first gate_task\/kernel/);
    await writeFile(join(bad, 'config.json'), '{"format": 2}');
    await expect(readCheckpoint(bad)).rejects.toThrow(/config.json.*format/);
  });
});

describe('planner', () => {
  it('gives absolute actions and stage logits, the same for the same seed and others for another', async () => {
    expect(planner.imageSize).toBe(64);
    const [a, b, c] = await planner.plan([request('s'), request('s'), request('t')]);
    expect(a!.actions).toHaveLength(30 * 23);
    expect(a!.actions.every(Number.isFinite)).toBe(true);
    expect([...a!.stageLogits].map(Number.isFinite)).toEqual(Array.from({ length: 15 }, (_, i) => i < 5));
    expect(b).toEqual(a);
    expect(c!.actions).not.toEqual(a!.actions);
  });

  it('sees pictures, task, stage and state', async () => {
    const [plain, ...others] = await planner.plan([
      request('s'),
      request('s', { taskId: 1 }),
      request('s', { stage: 2 }),
      request('s', { state: new Float32Array(23).fill(0.3) }),
      request('s', { pictures: { ...request('s').pictures, right_wrist: { ...request('s').pictures['head']! } } }),
    ]);
    for (const { actions } of others)
      expect(Math.max(...actions.map((x, i) => Math.abs(x - plain!.actions[i]!)))).toBeGreaterThan(1e-6);
  });

  it('plans in batches as it plans one by one, with and without kept actions', async () => {
    const batched = await createPlanner(checkpoint, { batchSizes: [2] });
    const prefix = { rows: 4, actions: new Float64Array(4 * 23).fill(0.25) };
    const requests = [request('a', { prefix }), request('b'), request('c', { taskId: 3, stage: 4 })];
    const [one, two] = [await planner.plan(requests), await batched.plan(requests)];
    for (let r = 0; r < requests.length; r++)
      for (let i = 0; i < 690; i++) expect(Math.abs(one[r]!.actions[i]! - two[r]!.actions[i]!)).toBeLessThan(1e-4);
    await batched.close();
  });

  it('starts a plan where the last one left off', async () => {
    const actions = Float64Array.from({ length: 4 * 23 }, (_, i) => 0.2 + 0.01 * Math.floor(i / 23));
    const [free, held] = await planner.plan([request('s'), request('s', { prefix: { rows: 4, actions } })]);
    const distance = (plan: Float64Array) =>
      actions.reduce((sum, x, i) => sum + Math.abs(x - plan[i]!), 0) / actions.length;
    expect(distance(held!.actions)).toBeLessThan(0.6 * distance(free!.actions));
  });

  it('holds kept actions only while the flow time is above timeThresholdInpaint', async () => {
    const prefix = { rows: 4, actions: new Float64Array(4 * 23).fill(0.25) };
    const plan = async (timeThresholdInpaint: number, kept = true) => {
      const own = await createPlanner(checkpoint, { timeThresholdInpaint });
      const [{ actions, stageLogits }] = (await own.plan([request('s', kept ? { prefix } : {})])) as [Prediction];
      await own.close();
      return { actions, stageLogits };
    };
    // Five steps end at 0.8, 0.6, 0.4, 0.2 and 0.
    const [at9, at7, at75, at5] = [await plan(0.9), await plan(0.7), await plan(0.75), await plan(0.5)];
    expect(at9).toEqual(await plan(0.9, false)); // no step ends above 0.9
    expect(at75).toEqual(at7); // the same steps lie above both
    expect(at5.actions).not.toEqual(at7.actions);
    expect(at5.stageLogits).toEqual(at7.stageLogits);
    const [plain] = await planner.plan([request('s', { prefix })]);
    expect(await plan(0.3)).toMatchObject({ actions: plain!.actions });
  });

  it('starts from as much noise as the checkpoint or its caller says', async () => {
    const contents = { config, parameters: await loadParameters(checkpoint), normStats: someStatistics(), card: {} };
    const session = { executeActions: 13, executeSteps: 10 };
    const calmFolder = join(root, 'calm');
    await writeCheckpoint(calmFolder, { ...contents, policy: { samplingSteps: 5, noiseScale: 0.5, session } });
    const plan = async (seed: string, options: PlannerOptions) => {
      const calm = await createPlanner(await readCheckpoint(calmFolder), options);
      const [{ actions }] = (await calm.plan([request(seed)])) as [Prediction];
      await calm.close();
      return actions;
    };
    const [half, whole] = [await plan('s', {}), await plan('s', { noiseScale: 1 })];
    expect(half).not.toEqual(whole);
    expect(await plan('s', { noiseScale: 0.5 })).toEqual(half);
    expect(await plan('t', {})).not.toEqual(half);
    expect(await plan('t', { noiseScale: 0 })).toEqual(await plan('s', { noiseScale: 0 }));
    expect(checkpointSession(await readCheckpoint(calmFolder))).toMatchObject(session);
    const wild = writeCheckpoint(join(root, 'wild'), { ...contents, policy: { noiseScale: -1 } });
    await expect(wild).rejects.toThrow(/noiseScale/);
  });

  it(
    'starts from other noise with another correlationBeta, and from white noise without ' + 'useCorrelatedNoise',
    async () => {
      const plan = async (options: object) => {
        const own = await createPlanner(checkpoint, options);
        const [{ actions, stageLogits }] = (await own.plan([request('s')])) as [Prediction];
        await own.close();
        return { actions, stageLogits };
      };
      const [half, white, zero] = [
        await plan({}),
        await plan({ useCorrelatedNoise: false }),
        await plan({ correlationBeta: 0 }),
      ];
      expect(white).toEqual(zero);
      expect(white.actions).not.toEqual(half.actions);
      expect(white.stageLogits).toEqual(half.stageLogits);
      expect(await plan({ correlationBeta: 0.5 })).toEqual(half);
      await expect(plan({ correlationBeta: 2 })).rejects.toThrow(/correlationBeta/);
    },
  );

  it('sees the cameras that the network names, in its order, and refuses one that the robot lacks', async () => {
    const one = modelConfig({ ...config, cameras: ['left_wrist'], auxiliary: null });
    const parameters = initParameters(one, 1);
    const own = await createPlanner({ ...checkpoint, config: one, parameters });
    const black: Picture = { width: 8, height: 8, channels: 3, data: new Uint8Array(192) };
    const [a, b, c] = await own.plan([
      request('s'),
      request('s', { pictures: { ...request('s').pictures, head: black } }),
      request('s', { pictures: { ...request('s').pictures, left_wrist: black } }),
    ]);
    expect(b!.stageLogits).toEqual(a!.stageLogits);
    expect(c!.stageLogits).not.toEqual(a!.stageLogits);
    await own.close();
    const odd = modelConfig({ ...config, cameras: ['ceiling'] });
    await expect(createPlanner({ ...checkpoint, config: odd })).rejects.toThrow(/camera 'ceiling'/);
  });

  it('refuses what it cannot plan for', async () => {
    const plan = (change: Partial<PlanRequest>) => (async () => planner.plan([request('s', change)]))();
    await expect(plan({ taskId: 50 })).rejects.toThrow('no task 50');
    await expect(plan({ stage: 5 })).rejects.toThrow('task 0 has no stage 5');
    await expect(plan({ state: new Float32Array(23).fill(Number.NaN) })).rejects.toThrow('not finite');
    await expect(plan({ taskId: -1 })).resolves.toHaveLength(1);
  });

  it('in a worker answers as it does in the thread', async () => {
    const client = await PlannerClient.start(folder);
    expect(client.imageSize).toBe(64);
    const [[a], [b]] = [await client.plan([request('w')]), await planner.plan([request('w')])];
    expect(a!.actions).toEqual(b!.actions);
    expect(a!.stageLogits).toEqual(b!.stageLogits);
    await expect(client.plan([request('w', { taskId: 77 })])).rejects.toThrow('no task 77');
    const givenUp = new AbortController();
    const plans = client.plan(Array(12).fill(request('w')), { signal: givenUp.signal });
    setTimeout(() => givenUp.abort(), 5);
    await expect(plans, 'between two steps').rejects.toThrow(/given up/);
    expect((await client.plan([request('w')]))[0]!.actions).toEqual(b!.actions);
    await client.close();
    await expect(PlannerClient.start(join(root, 'nowhere'))).rejects.toThrow('is no folder');
  });
});

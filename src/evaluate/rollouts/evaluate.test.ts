import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { appendFile, readFile, stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import { temporaryFolder } from '../../../test/support/evaluate.ts';
import { createExpert } from '../../home/index.ts';
import { openHousehold } from '../../home/tasks/openHousehold.ts';
import type { Policy } from '../../robot/index.ts';
import { packMessage } from '../../wire/index.ts';
import { readLedger } from '../ledger/ledger.ts';
import type { LedgerLine } from '../ledger/ledgerLine.ts';
import { writeReport } from '../report/report.ts';
import { HoldPolicy, ReplayPolicy } from './baselines.ts';
import { runEpisode } from './episode.ts';
import { evaluate } from './evaluate.ts';

const root = await temporaryFolder();
const radio = 'turning_on_radio';

describe('episode', () => {
  it('the expert turns the radio on; holding still leaves it off and the robot where it is', async () => {
    const household = await openHousehold(radio);
    const expert = createExpert(household);
    const policy: Policy = { reset: async () => {}, act: async () => expert.act(), close: async () => {} };
    const done = await runEpisode({ environment: household, policy, instance: 3 });
    expect(done).toMatchObject({ q: 1, success: true });
    expect(done.steps).toBeLessThan(done.maxSteps);
    const still = await runEpisode({
      environment: household,
      policy: new HoldPolicy(household.robot),
      instance: 3,
      maxSteps: 60,
    });
    expect(still).toMatchObject({ q: 0, success: false, steps: 60, maxSteps: 60 });
    expect(still.distance.base).toBeLessThan(0.02);
    expect(still.distance.right).toBeLessThan(0.1);
    expert.close();
    household.close();
  });

  it('replaying the scene’s own demonstration does what the demonstration did', async () => {
    const household = await openHousehold(radio);
    household.reset(1_000_005);
    const expert = createExpert(household);
    const actions: number[] = [];
    for (let result = { done: false }; !result.done; ) {
      const action = expert.act().slice();
      actions.push(...action);
      result = household.step(action);
    }
    expert.close();
    expect(household.success).toBe(true);
    const replayed = await runEpisode({
      environment: household,
      policy: new ReplayPolicy(Float32Array.from(actions), household.robot),
      instance: 1_000_005,
    });
    expect(replayed).toMatchObject({ q: 1, steps: actions.length / 23 });
    household.close();
  });

  it('an action that is no number makes the episode invalid', async () => {
    const household = await openHousehold(radio);
    const policy: Policy = {
      reset: async () => {},
      act: async () => new Float32Array(23).fill(Number.NaN),
      close: async () => {},
    };
    const result = await runEpisode({ environment: household, policy, instance: 0 });
    expect(result.invalid).toMatch(/action\[0\]/);
    household.close();
  });
});

// Each evaluation starts workers, which load the simulator anew; on a busy machine that takes a while.
describe('evaluation', { timeout: 240_000 }, () => {
  const out = join(root, 'expert');
  const options = { policy: { kind: 'expert' }, tasks: [radio], out, silent: true, seed: '7' } as const;

  it('fills the folder, goes on after a crash, and plays nothing twice', async () => {
    await evaluate({ ...options, instances: [0] });
    await appendFile(join(out, 'ledger.jsonl'), '{"task":"turning_on');
    await expect(evaluate({ ...options, instances: [0, 1] })).rejects.toThrow(/--resume/);
    const summary = await evaluate({ ...options, instances: [0, 1], resume: true, workers: 2 });
    expect(summary).toMatchObject({
      episodes: 2,
      q: { mean: 1 },
      tasks: { [radio]: { q: 1, success: 1, episodes: 2 } },
    });
    expect((await readLedger(out)).map((line) => [line.instance, line.attempt, line.state])).toEqual([
      [0, 1, 'done'],
      [1, 1, 'done'],
    ]);
    // The expert draws nothing: no seed is recorded, and another one is the same evaluation.
    expect(JSON.parse(await readFile(join(out, 'run.json'), 'utf8')).fingerprint.seed).toBeNull();
    await evaluate({ ...options, seed: '8', instances: [0], resume: true });
    expect(await readLedger(out)).toHaveLength(2);
    const official = JSON.parse(await readFile(join(out, 'json', `${radio}_1_0.json`), 'utf8'));
    expect(official.q_score).toEqual({ final: 1 });
  });

  it('keeps rollouts that can be replayed without running them again', async () => {
    const [line] = (await readLedger(out)) as [LedgerLine];
    const folder = join(out, 'rollouts', `${radio}_0_0`);
    const scene = JSON.parse(await readFile(join(folder, 'scene.json'), 'utf8'));
    const track = gunzipSync(await readFile(join(folder, 'track.bin')));
    expect(scene.frames).toBe(line.steps + 1);
    expect(track.length).toBe(4 * 7 * scene.scene.moving.length * scene.frames);
    const steps = (await readFile(join(folder, 'steps.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text));
    expect(steps).toHaveLength(line.steps);
    expect(steps.at(-1)).toMatchObject({ step: line.steps, q: 1, goal: [true] });
    const household = await openHousehold(radio);
    household.reset(0);
    for (const { action } of steps) household.step(action);
    expect(household.q()).toBe(1);
    household.close();
    for (const step of scene.pictures)
      expect(await sharp(join(folder, 'frames', `${step}.png`)).metadata()).toMatchObject({ width: 192, height: 64 });
  });

  it('the page holds every rollout and asks nothing of a network', async () => {
    await evaluate({
      policy: { kind: 'hold' },
      tasks: [radio],
      instances: [0],
      out: join(out, 'baselines', 'hold'),
      record: false,
      silent: true,
      maxSteps: 20,
      seed: '7',
    });
    const path = await writeReport(out);
    const page = await readFile(path, 'utf8');
    for (const instance of [0, 1]) {
      expect(page).toContain(`<script type="application/json" data-recording="${radio}_${instance}_0">`);
      expect(page).toContain(`"unit":"${radio}_${instance}_0"`);
    }
    expect(page).toContain('q of “hold”');
    expect(page).not.toMatch(/https?:\/\//);
    expect(page).not.toMatch(/(src|href)="(?!data:|#|' \+)/);
    expect(page).not.toMatch(/url\((?!'? ?\+)['"]?[^'"d#]/);
    expect((await stat(path)).size).toBeLessThan(3e6);
  });

  it('an episode that breaks off is tried once more, then reported, never counted', async () => {
    // A server that greets everyone and hangs up at the first observation.
    const http = createServer((_request, response) => response.end('OK\n')).listen(0, '127.0.0.1');
    const sockets = new WebSocketServer({ server: http });
    let greeted = 0;
    sockets.on('connection', (socket) => {
      greeted++;
      socket.send(packMessage({}));
      socket.on('message', (data: Buffer) => data.length > 100 && socket.close(1011));
    });
    await once(http, 'listening');
    const url = `ws://127.0.0.1:${(http.address() as AddressInfo).port}`;
    const folder = join(root, 'broken');
    const summary = await evaluate({
      policy: { kind: 'remote', url },
      tasks: [radio],
      instances: [0],
      out: folder,
      silent: true,
    });
    sockets.close();
    http.close();
    expect(greeted).toBe(5); // a look at what the server is, two attempts, a look after each
    expect(summary).toMatchObject({
      episodes: 0,
      tasks: { [radio]: { episodes: 0, missing: 1 } },
      official: 0,
      missing: [{ task: radio, instance: 0, reason: expect.stringContaining('closed the connection') }],
    });
    expect((await readLedger(folder)).map((line) => [line.state, line.attempt])).toEqual([
      ['invalid', 1],
      ['invalid', 2],
    ]);
    expect(existsSync(join(folder, 'json', `${radio}_0_0.json`))).toBe(false);
  });

  it('bad input is no invalid episode', async () => {
    const demos = join(root, 'none');
    await expect(
      evaluate({
        policy: { kind: 'replay', demos },
        tasks: [radio],
        instances: [0],
        out: join(root, 'bad'),
        silent: true,
      }),
    ).rejects.toThrow(/none/);
    expect(existsSync(join(root, 'bad'))).toBe(false);
  });
});

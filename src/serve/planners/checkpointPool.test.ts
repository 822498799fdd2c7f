import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { latch } from '../../../test/support/latch.ts';
import { ArithmeticPlanner, fakeObservation } from '../../../test/support/serve.ts';
import { InputError, ValetError } from '../../base/index.ts';
import type { PlanRequest, Prediction } from '../../robot/index.ts';
import { CheckpointPool, type CheckpointPoolOptions } from './checkpointPool.ts';
import type { LoadCheckpoint } from './loadedCheckpoint.ts';

const request: PlanRequest = { ...fakeObservation(), stage: 0, state: new Float32Array(23), seed: '0' };
let folder: string;
let log: string[];
let pool: CheckpointPool;
let poison: number | undefined;
let failure: Error | undefined;
/** The next plans take this long, and wait for this. */
let delayMs: number;
let gate: Promise<void> | undefined;

/** A planner that says what it does. */
class Named extends ArithmeticPlanner {
  constructor(private readonly name: string) {
    super();
    this.poison = poison;
  }
  override async plan(requests: readonly PlanRequest[]): Promise<Prediction[]> {
    this.delayMs = delayMs;
    await gate;
    const predictions = await super.plan(requests);
    log.push(`plan ${this.name}`);
    return predictions;
  }
  override async close(): Promise<void> {
    log.push(`close ${this.name}`);
  }
}

let loads = 0;
const load: LoadCheckpoint = async (path, admit) => {
  await admit(100);
  if (failure) throw failure;
  const name = `${path.slice(-1)}${++loads}`;
  log.push(`load ${name}`);
  return { planner: new Named(name), bytes: 100, isUp: true };
};
const open = (options: CheckpointPoolOptions = {}) => (pool = new CheckpointPool(load, options));
const path = (name: string) => join(folder, name);
const touch = (name: string) =>
  writeFile(join(path(name), 'config.json'), String(Math.random()).repeat(1 + (loads % 3)));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-pool-'));
  for (const name of 'abc') {
    await mkdir(path(name));
    await touch(name);
  }
  [log, loads, poison, failure, delayMs, gate] = [[], 0, undefined, undefined, 0, undefined];
});
afterEach(async () => {
  await pool.close();
  await rm(folder, { recursive: true, force: true });
});

describe('a pool of checkpoints', () => {
  it('keeps what fits; what was not used for longest goes', async () => {
    open({ memoryBytes: 250 });
    const a = await pool.planner(path('a'));
    const b = await pool.planner(path('b'));
    await a.plan([request]);
    await pool.planner(path('c'));
    expect(log).toEqual(['load a1', 'load b2', 'plan a1', 'close b2', 'load c3']);
    await b.plan([request]); // loads it again
    expect(log.slice(5)).toEqual(['close a1', 'load b4', 'plan b4']);
    expect(pool.bytes).toBe(200);
  });

  it('loads once however many ask at once, and ends nothing in mid-plan', async () => {
    open({ memoryBytes: 100 });
    const [a] = await Promise.all([pool.planner(path('a')), pool.planner(path('a'))]);
    delayMs = 50;
    const plan = a!.plan([request]);
    await Promise.resolve();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await pool.planner(path('b'));
    await plan;
    expect(log).toEqual(['load a1', 'plan a1', 'close a1', 'load b2']);
  });

  it('refuses what can never fit, and preloads what does', async () => {
    open({ memoryBytes: 99 });
    await expect(pool.open(path('a'))).rejects.toThrow(/takes about 0\.000 GB.*Raise --memory/);
    open({ memoryBytes: 200 });
    expect(await pool.preload([path('a'), path('b'), path('c')])).toEqual([path('c')]);
    expect(pool.folders).toEqual([path('a'), path('b')]);
  });

  it('takes over a changed folder when it has come to rest, while the old one finishes', async () => {
    open({ trial: async (planner) => void (await planner.plan([request])) });
    const a = await pool.planner(path('a'));
    await pool.look();
    expect(log).toEqual(['load a1']);
    await touch('a');
    await pool.look();
    expect(log, 'not yet at rest').toEqual(['load a1']);
    const held = latch();
    gate = held.opened;
    const under = a.plan([request]);
    await new Promise((resolve) => setTimeout(resolve, 5));
    gate = undefined;
    await pool.look();
    await a.plan([request]);
    held.open();
    await under;
    await expect.poll(() => log.at(-1), { timeout: 20_000 }).toBe('close a1');
    expect(log).toEqual(['load a1', 'load a2', 'plan a2', 'plan a2', 'plan a1', 'close a1']);
  });

  it('serves on with what is loaded when the folder goes or is spoilt', async () => {
    open();
    const a = await pool.planner(path('a'));
    await rm(path('a'), { recursive: true });
    await pool.look();
    await pool.look();
    await a.plan([request]);
    await mkdir(path('a'));
    await touch('a');
    failure = new InputError('config.json', 'is half a checkpoint.');
    await pool.look();
    await pool.look();
    await pool.look();
    await a.plan([request]);
    expect(log).toEqual(['load a1', 'plan a1', 'plan a1']);
    expect([pool.isUp, pool.bytes]).toEqual([true, 100]);
    failure = undefined;
    await touch('a');
    await pool.look();
    await pool.look();
    await a.plan([request]);
    expect(log.slice(3)).toEqual(['load a2', 'close a1', 'plan a2']);
  });

  it('tries a changed folder again when its worker ended, after longer and longer pauses', async () => {
    let trials = 0;
    const trial = async () => {
      trials++;
      throw new ValetError('plan', 'the worker ended.');
    };
    open({ trial });
    const a = await pool.planner(path('a'));
    await touch('a');
    const tried: number[] = [];
    for (let look = 0; look < 12; look++) {
      const before = trials;
      await pool.look();
      if (trials > before) tried.push(look);
    }
    expect(tried).toEqual([1, 3, 6, 11]);
    await a.plan([request]);
    expect(log.at(-1)).toBe('plan a1');
    expect(pool.bytes).toBe(100);
  });

  it('loads a changed folder once, though a robot asks for it meanwhile', async () => {
    const [loading, slow] = [latch(), latch()];
    pool = new CheckpointPool(
      async (folder, admit) => {
        const loaded = await load(folder, admit);
        if (loads === 2) {
          loading.open();
          await slow.opened;
        }
        return loaded;
      },
      { memoryBytes: 150 },
    );
    const a = await pool.planner(path('a'));
    await touch('a');
    await pool.look();
    const look = pool.look();
    await loading.opened;
    const plan = a.plan([request]);
    slow.open();
    await Promise.all([plan, look]);
    expect(log).toEqual(['load a1', 'close a1', 'load a2', 'plan a2']);
  });

  it('gives up what it loads when it is closed', async () => {
    const begun = latch();
    pool = new CheckpointPool(
      (_, __, signal) =>
        new Promise((_resolve, reject) => {
          begun.open();
          signal?.addEventListener('abort', () => reject(new ValetError('checkpoint', 'was given up.')));
        }),
    );
    const planner = pool.planner(path('a'));
    planner.catch(() => undefined);
    await begun.opened;
    await pool.close();
    await expect(planner).rejects.toThrow(/given up/);
  });

  it('reloads without room for both: the old one ends first', async () => {
    open({ memoryBytes: 150 });
    const a = await pool.planner(path('a'));
    await touch('a');
    await pool.look();
    await pool.look();
    await a.plan([request]);
    expect(log).toEqual(['load a1', 'close a1', 'load a2', 'plan a2']);
  });
});

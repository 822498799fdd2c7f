import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { mkdtemp, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { smallTraining, writeFakeSet } from '../../test/support/training.ts';
import { writeNormStats } from '../action/index.ts';
import { datasetStatistics } from '../data/index.ts';
import { checkpointDigest } from '../model/index.ts';
import type { TrainConfig } from './config.ts';
import { undoing } from './fullDisk.ts';
import type { TrainOptions } from './options.ts';
import { train } from './train.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

let folder: string;
let disk: string;
let isSmall: boolean;
let config: TrainConfig;
let stats: string;

/** A disk of its own where the system lets this process mount one; else a folder that can be made unwritable. */
function mount(at: string): boolean {
  mkdirSync(at);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=96m', 'valet-test', at], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** From now on nothing more can be written for a run. */
function fill(run: string): void {
  if (!isSmall) {
    chmodSync(join(run, 'checkpoints'), 0o500);
    return;
  }
  const file = openSync(join(disk, 'filler'), 'w');
  const bytes = new Uint8Array(2 ** 16);
  try {
    for (;;) writeSync(file, bytes);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    closeSync(file);
  }
}

function free(run: string): void {
  if (isSmall) rmSync(join(disk, 'filler'));
  else chmodSync(join(run, 'checkpoints'), 0o700);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-full-'));
  disk = join(folder, 'disk');
  isSmall = mount(disk);
  await writeFakeSet(join(folder, 'data'), [{ seed: 0 }, { seed: 1 }]);
  config = await smallTraining({
    model: { useCorrelatedNoise: false },
    ...{ steps: 12, checkpointEvery: 2, keepCheckpoints: 1 },
  });
  stats = join(folder, 'norm_stats.json');
  const { statistics } = await datasetStatistics([join(folder, 'data')], { horizon: 30, paddedWidth: 32 });
  await writeNormStats(stats, statistics);
});
afterAll(async () => {
  if (isSmall) execFileSync('umount', [disk]);
  await rm(folder, { recursive: true, force: true });
});

const run = (out: string, more: Partial<TrainOptions> = {}) =>
  train({ config, data: [join(folder, 'data')], out: join(disk, out), threads: 1, seed: 3, stats, ...more });
const losses = async (out: string) =>
  (await readFile(join(disk, out, 'metrics.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .map(({ step, loss, gradientNorm }) => ({ step, loss, gradientNorm }));
const checkpoint = (out: string, name = '000012') => join(disk, out, 'checkpoints', name);

describe('a disk that is full', () => {
  it('ends a run with its last good checkpoint, or lets it train on until there is room', async () => {
    await run('straight');
    const whole = await losses('straight');
    const digest = await checkpointDigest(checkpoint('straight'));

    const at = join(disk, 'stops');
    // The checkpoint of step 2 is whole by then.
    const onStep = (step: number) => void (step === 5 && fill(at));
    const error = await run('stops', { onStep }).catch((thrown: Error) => thrown);
    free(at);
    expect(String(error)).toMatch(
      /stops: step \d+ could not be saved: .* the last good checkpoint is \S+00000[24]\. Make room, .*; --when-full/,
    );
    const [left = ''] = (await readdir(join(at, 'checkpoints'))).filter((name) => /^\d+$/.test(name));
    expect(left).toMatch(/^00000[24]$/);
    expect(await readlink(join(at, 'checkpoints', 'latest'))).toBe(left);
    expect(await run('stops', { resume: true })).toMatchObject({ step: 12 });
    expect(await checkpointDigest(checkpoint('stops'))).toBe(digest);
    expect(await losses('stops')).toEqual(whole);

    const said: string[] = [];
    const goesOn = await run('goes on', {
      whenFull: 'go-on',
      log: (line) => said.push(line),
      onStep: (step) => {
        if (step === 5) fill(join(disk, 'goes on'));
        if (step === 9) free(join(disk, 'goes on'));
      },
    });
    expect(goesOn).toMatchObject({ step: 12, checkpoint: checkpoint('goes on') });
    expect(said.join('\n')).toMatch(/step \d+ is not saved: .* Training goes on; the last good checkpoint is/);
    expect(said.join('\n')).toMatch(/saved again, at step \d+/);
    expect(await checkpointDigest(checkpoint('goes on'))).toBe(digest);
    expect(await losses('goes on')).toEqual(whole);
  });

  it('is waited for at the end of a run that goes on, until it is interrupted', async () => {
    const stop = new AbortController();
    const at = join(disk, 'ends');
    const wait = run('ends', {
      ...{ whenFull: 'go-on', signal: stop.signal },
      onStep: (step) => void (step === 5 && fill(at)),
      log: (line) => void (/waiting for room/.test(line) && stop.abort()),
    });
    await expect(wait).rejects.toThrow(/step 12 could not be saved: .* the last good checkpoint is \S+00000[24]/);
    free(at);
    expect(await run('ends', { resume: true })).toMatchObject({ step: 12 });
    expect(await checkpointDigest(checkpoint('ends'))).toBe(await checkpointDigest(checkpoint('straight')));
  });

  it('leaves a file as it was when a line does not fit', async () => {
    const path = join(folder, 'lines');
    const { appendFile, writeFile } = await import('node:fs/promises');
    await writeFile(path, 'one\n');
    const half = undoing(path, async () => {
      await appendFile(path, 'tw');
      throw new Error('full');
    });
    await expect(half).rejects.toThrow('full');
    expect((await stat(path)).size).toBe(4);
  });
});

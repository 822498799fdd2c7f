import { spawn } from 'node:child_process';
import { access, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { fakeEpisode } from '../../test/support/data.ts';
import { DatasetWriter } from '../data/index.ts';
import { readTrainingCheckpoint } from '../train/save.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 180_000 });
const MAIN = join(import.meta.dirname, 'main.ts');

let folder: string;
let data: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-cli-train-'));
  data = join(folder, 'data');
  const writer = await DatasetWriter.create(data, { imageSize: 56 });
  await writer.addEpisode(fakeEpisode({ length: 45, size: 56 }));
  await writer.finish();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs `valet train`; the signal is sent once, when stderr matches. */
function valet(args: string[], stop?: { readonly at: RegExp; readonly signal: NodeJS.Signals }) {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, 'train', ...args]);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  child.stderr.on('data', (text) => {
    stderr += text;
    if (stop?.at.test(stderr) && !child.killed) child.kill(stop.signal);
  });
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

describe('valet train', () => {
  it('prints a configuration as JSON, with settings', async () => {
    const { code, stdout, stderr } = await valet(['--print-config', 'nano', '--set', 'model.layers=2', '--steps', '7']);
    expect([code, stderr]).toEqual([0, '']);
    const printed = JSON.parse(stdout);
    expect([printed.model.layers, printed.steps, printed.batch]).toEqual([2, 7, 64]);
  });

  it('says when the time limit ended it, to a person and to a script', async () => {
    const args = ['--config', 'dummy', '--data', data, '--out', join(folder, 'limited'), '--threads', '1'];
    const limited = await valet([...args, '--steps', '100000', '--time-limit', '0.0001', '--json']);
    expect(limited.code).toBe(0);
    expect(JSON.parse(limited.stdout)).toMatchObject({ step: 1, steps: 100_000, stopped: 'time limit' });
    const again = await valet([...args, '--steps', '100000', '--time-limit', '0.0001', '--resume']);
    expect(again.stdout).toMatch(/^checkpoint: .*000002 \(stopped at step 2 of 100000: time limit\)\n$/);
  });

  it('saves at Ctrl-C with exit code 130, goes on with --resume after a kill, and prints JSON', async () => {
    const args = [
      '--config',
      'dummy',
      '--data',
      data,
      '--out',
      join(folder, 'run'),
      '--threads',
      '1',
      '--checkpoint-every',
      '1000',
    ];
    const interrupted = await valet([...args, '--steps', '100000'], { at: /step \d+\//, signal: 'SIGINT' });
    expect(interrupted.stderr).toMatch(/the state is saved/);
    expect(interrupted.code).toBe(130);
    const { step } = await readTrainingCheckpoint(join(folder, 'run/checkpoints/latest'));
    expect(step).toBeGreaterThan(0);

    // Killed without a word: the checkpoint from before still stands.
    await valet([...args, '--steps', '100000', '--resume'], { at: /step \d+\//, signal: 'SIGKILL' });
    expect((await readTrainingCheckpoint(join(folder, 'run/checkpoints/latest'))).step).toBe(step);

    const done = await valet([...args, '--steps', String(step + 2), '--resume', '--json']);
    expect(done.code).toBe(0);
    expect(JSON.parse(done.stdout)).toMatchObject({ step: step + 2, steps: step + 2, stopped: null });
    const steps = (await readFile(join(folder, 'run/metrics.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).step);
    expect(steps).toEqual(Array.from({ length: step + 2 }, (_, i) => i + 1));
  });

  it.each([
    [['--config', 'nanno', '--data', 'DATA'], /Did you mean 'nano'/],
    [['--config', 'dummy', '--data', '/nowhere'], /nowhere/],
    [['--config', 'dummy', '--data', 'DATA', '--set', 'schedule.peek=1'], /Did you mean 'schedule.peak'/],
    [['--config', 'dummy', '--data', 'DATA', '--init', '/nowhere'], /nowhere/],
    [['--config', 'dummy', '--data', 'DATA', '--threads', '0'], /expected a whole number above 0/],
    [['--config', 'dummy', '--data', 'DATA', '--tokenizer', 'nope'], /--tokenizer: has no effect/],
    [['--config', 'dummy', '--data', 'DATA', '--resume'], /holds no run to go on with/],
    [['--config', 'dummy', '--data', 'DATA', '--min-std', '-1'], /expected a number of 0 or more/],
    [['--config', 'dummy', '--data', 'DATA', '--min-std', 'much'], /expected a number of 0 or more/],
    [['--config', 'dummy', '--data', 'DATA', '--other-statistics'], /no effect without --init or --resume/],
    [['--config', 'dummy', '--data', 'DATA', '--device', 'cuda'], /CPU alone \(got cuda, expected cpu\)/],
    [['--config', 'dummy', '--data', 'DATA', '--allow-far'], /--allow-far: has no effect without --stats or --init/],
    [['--print-config', 'nano', '--data', 'DATA'], /--data: has no effect with --print-config/],
    [['--data', 'DATA'], /needs --config <name>/],
  ])('ends with exit code 2 and leaves nothing behind: %j', async (args, message) => {
    const words = args.map((word) => (word === 'DATA' ? data : word));
    const { code, stderr } = await valet([...words, '--out', join(folder, 'bad')]);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
    await expect(access(join(folder, 'bad'))).rejects.toThrow();
  });
});

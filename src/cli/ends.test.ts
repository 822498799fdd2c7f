import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { fakeEpisode } from '../../test/support/data.ts';
import { writeTinyPolicy } from '../../test/support/model.ts';
import { fakeObservation } from '../../test/support/serve.ts';
import { DatasetWriter } from '../data/index.ts';
import { RemotePolicy } from '../serve/index.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

/**
 * Commands that are told to end while native code runs: they end with the documented code, and are never aborted by the
 * runtime (a code of null, or 134).
 */
let folder: string;
const path = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-ends-'));
  await writeTinyPolicy(path('slow'), { samplingSteps: 5000 });
  const writer = await DatasetWriter.create(path('data'), { imageSize: 56 });
  for (let episode = 0; episode < 2; episode++)
    await writer.addEpisode(fakeEpisode({ length: 200, size: 56, seed: episode }));
  await writer.finish();
});
afterAll(() => rm(folder, { recursive: true, force: true }));

class Command {
  readonly ended: Promise<number | null>;
  readonly lines: string[] = [];
  stderr = '';
  private readonly child: ChildProcess;
  constructor(...words: string[]) {
    const main = new URL('./main.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, ['--import', 'tsx', main, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    createInterface({ input: child.stdout }).on('line', (line) => this.lines.push(line));
    child.stderr.on('data', (text) => (this.stderr += text));
    this.ended = new Promise((resolve) => child.once('close', resolve));
  }

  signal(signal: 'SIGTERM' | 'SIGINT'): void {
    this.child.kill(signal);
  }

  /** Settles when its standard error has said this, or it has ended. */
  async saidOrGone(what: RegExp): Promise<void> {
    const over = () => what.test(this.stderr) || this.child.exitCode !== null;
    await expect.poll(over, { timeout: 150_000, interval: 5 }).toBe(true);
  }

  /** Settles when its standard error has said this. */
  async said(what: RegExp): Promise<void> {
    await expect.poll(() => this.stderr, { timeout: 150_000, interval: 5 }).toMatch(what);
  }

  async url(): Promise<string> {
    await expect.poll(() => this.lines.length, { timeout: 150_000, interval: 5 }).toBe(1);
    return (JSON.parse(this.lines[0] ?? '{}') as { listening: string[] }).listening[0] ?? '';
  }
}

const serve = (...words: string[]) =>
  new Command('serve', '--checkpoint', path('slow'), '--port', '0', '--threads', '1', ...words);

/** How a plan that is asked for here ends. */
const ask = async (url: string, ms: number) => {
  const policy = await RemotePolicy.connect(url);
  const acted = policy.act(fakeObservation()).then(
    () => 'an action',
    (error: Error) => error.message,
  );
  await sleep(ms);
  return { policy, acted };
};

describe('valet serve ends', () => {
  it.each([0, 100])('with 0 when the client of its plan has gone, %i ms into the plan', async (ms) => {
    const command = serve('--shutdown-seconds', '1');
    const { policy } = await ask(await command.url(), ms);
    await policy.close();
    command.signal('SIGTERM');
    expect(await command.ended, command.stderr).toBe(0);
  });

  it('with 0 when a plan outlasts --shutdown-seconds, with 1 when it is told twice', async () => {
    const commands = [serve('--shutdown-seconds', '0.05'), serve('--shutdown-seconds', '60')];
    const asked = await Promise.all(commands.map(async (command) => ask(await command.url(), 100)));
    for (const command of commands) command.signal('SIGTERM');
    // Of another kind, so that the system does not make one of two.
    commands[1]!.signal('SIGINT');
    expect(await Promise.all(commands.map(({ ended }) => ended))).toEqual([0, 1]);
    for (const { policy } of asked) await policy.close();
  });

  it('with 0 while it loads, whenever it is told', async () => {
    const moments = [1000, 2500];
    const codes = moments.map(async (ms) => {
      const command = serve();
      await sleep(ms);
      command.signal('SIGTERM');
      return command.ended;
    });
    // Before its own code runs, the system's rule holds: ended by the signal.
    for (const code of await Promise.all(codes)) expect([0, 130, null]).toContain(code);
  });

  it('with 1 when no plan is made in time: the plan is given up, and nothing aborts', async () => {
    const command = serve('--plan-timeout', '0.1');
    expect(await command.ended, command.stderr).toBe(1);
    expect(command.stderr).toMatch(/took longer than 100 ms/);
  });
});

describe('a command that is told twice, or has no care of its own, ends with 130', () => {
  it.each([0, 40])('valet train, told again after %i ms of an update', async (ms) => {
    const out = path(`run-${ms}`);
    const words = ['--config', 'dummy', '--data', path('data'), '--out', out, '--threads', '1', '--steps', '100000'];
    const command = new Command('train', ...words);
    await command.said(/step \d+\//);
    command.signal('SIGINT');
    await sleep(ms);
    command.signal('SIGINT');
    expect(await command.ended, command.stderr).toBe(130);
  });

  it('valet stats, while its workers read', async () => {
    const codes = [0, 150].map(async (ms) => {
      const command = new Command('stats', path('data'), '--out', path(`stats-${ms}`), '--workers', '2');
      await command.saidOrGone(/reading/);
      await sleep(ms);
      command.signal('SIGTERM');
      return command.ended;
    });
    for (const code of await Promise.all(codes)) expect([0, 130]).toContain(code);
  });
});

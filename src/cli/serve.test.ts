import { type ChildProcess, spawn } from 'node:child_process';
import { cp, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyNetwork, writeTinyPolicy } from '../../test/support/model.ts';
import { fakeObservation } from '../../test/support/serve.ts';
import { createPolicy, createSession } from '../control/index.ts';
import { createPlanner, readCheckpoint } from '../model/index.ts';
import { RemotePolicy } from '../serve/index.ts';
import { command } from './serve.ts';

let folder: string;
let checkpoint: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-serve-'));
  checkpoint = join(folder, 'tiny');
  await writeTinyPolicy(checkpoint, { samplingSteps: 2 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Ended {
  code: number | null;
  stdout: string[];
  stderr: string;
}

/** `valet serve …` in a process of its own. */
function valet(...args: string[]): { child: ChildProcess; firstLine: Promise<string>; ended: Promise<Ended> } {
  const main = new URL('./main.ts', import.meta.url);
  const child = spawn(process.execPath, ['--import', 'tsx', main.pathname, 'serve', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stdout: string[] = [];
  let stderr = '';
  child.stderr.on('data', (text) => (stderr += text));
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => stdout.push(line));
  const firstLine = new Promise<string>((resolve, reject) => {
    lines.once('line', resolve);
    child.once('exit', () => reject(new Error(`ended without a line: ${stderr}`)));
  });
  firstLine.catch(() => undefined);
  const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr })));
  return { child, firstLine, ended };
}

describe('valet serve', () => {
  it('serves a checkpoint in a worker, with the actions of the in-process policy, and ends gracefully', async () => {
    const { child, firstLine, ended } = valet(
      '--checkpoint',
      checkpoint,
      '--port',
      '0',
      '--seed',
      '7',
      '--threads',
      '1',
    );
    const { listening } = JSON.parse(await firstLine) as { listening: string[] };
    expect(listening).toHaveLength(1);
    const remote = await RemotePolicy.connect(listening[0]!);
    const planner = await createPlanner(await readCheckpoint(checkpoint), { threads: 1 });
    const local = createPolicy({ planner, session: createSession({ seed: '7' }) });
    for (let step = 0; step < 45; step++) {
      const observation = fakeObservation({ taskId: 1, joint: step / 100, shade: step });
      expect(await remote.act(observation)).toEqual(await local.act(observation));
    }
    await local.close();
    child.kill('SIGTERM');
    const { code, stdout, stderr } = await ended;
    expect(code).toBe(0);
    expect(stdout).toHaveLength(1);
    for (const line of stderr.trim().split('\n')) expect(() => JSON.parse(line)).not.toThrow();
    await remote.close();
  });

  it("serves the original's mapping on several ports, to who has the key, and records", async () => {
    const port = 20_000 + 2 * (process.pid % 5000);
    const mapping = join(folder, 'task_checkpoint_mapping.json');
    const key = join(folder, 'key');
    const tasks = Array.from({ length: 50 }, (_, task) => task);
    const checkpoints = {
      checkpoint_1: { path: 'tiny', tasks: tasks.filter((task) => task !== 5) },
      checkpoint_2: { path: 'second', tasks: [5] },
    };
    await cp(join(folder, 'tiny'), join(folder, 'second'), { recursive: true });
    await writeFile(mapping, JSON.stringify({ checkpoints }));
    await writeFile(key, 'a-long-secret\n');
    const { child, firstLine, ended } = valet(
      ...['--mapping', mapping, '--port', `${port}-${port + 1}`, '--api-key-file', key],
      ...['--batch', '2', '--memory', '1GB', '--plan-ahead', '2', '--record', join(folder, 'recordings')],
      ...['--log-level', 'silent'],
    );
    const { listening } = JSON.parse(await firstLine) as { listening: string[] };
    expect(listening).toEqual([`ws://127.0.0.1:${port}`, `ws://127.0.0.1:${port + 1}`]);
    await expect(RemotePolicy.connect(listening[0]!)).rejects.toThrow(/401/);
    for (const url of listening) {
      const policy = await RemotePolicy.connect(url, { apiKey: 'a-long-secret' });
      for (let step = 0; step < 30; step++)
        expect(await policy.act(fakeObservation({ taskId: 2, joint: step / 100 }))).toHaveLength(23);
      expect(await policy.act(fakeObservation({ taskId: 5 }))).toHaveLength(23);
    }
    expect(await readdir(join(folder, 'recordings'))).toHaveLength(2);
    child.kill('SIGTERM');
    expect(await ended).toMatchObject({ code: 0, stderr: '' });
  });

  it('says in one line what is wrong, and exits with 2', async () => {
    const { code, stdout, stderr } = await valet('--checkpoint', 'no/such/folder').ended;
    expect([code, stdout]).toEqual([2, []]);
    expect(stderr).toMatch(/no\/such\/folder: is no folder/);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it('names every checkpoint of a mapping that cannot be served, before it is ready', async () => {
    const mapping = join(folder, 'bad.json');
    const known = tinyNetwork.taskNumStages.length;
    await cp(checkpoint, join(folder, 'unfit'), { recursive: true });
    await truncate(join(folder, 'unfit', 'config.json'), 20);
    await cp(checkpoint, join(folder, 'bare'), { recursive: true });
    await rm(join(folder, 'bare', 'assets'), { recursive: true });
    const tasks = { '1': 'missing', '2-3': 'unfit', '4': 'bare', [known + 1]: 'tiny' };
    await writeFile(mapping, JSON.stringify({ default: 'tiny', tasks }));
    const { code, stdout, stderr } = await valet('--mapping', mapping, '--port', '0').ended;
    expect([code, stdout]).toEqual([2, []]);
    expect(stderr).toMatch(/4 of 4 checkpoints cannot be served/);
    expect(stderr).toMatch(/missing.*It is named for tasks 1\./);
    expect(stderr).toMatch(/unfit\/config.json.*It is named for tasks 2-3\./);
    expect(stderr).toMatch(/bare.*norm_stats.json.*It is named for tasks 4\./);
    expect(stderr).toMatch(new RegExp(`tiny: knows no task ${known + 1} .*tasks ${known + 1} and all others`));
  });

  it.each([
    [['--port', '0'], /needs either --checkpoint or --mapping/],
    [['--checkpoint', 'a', '--mapping', 'b'], /needs either --checkpoint or --mapping/],
    [['--checkpoint', 'household', '--port', '70000'], /expected a port/],
    [['--checkpoint', 'household', '--port', '9000-8000'], /expected a port/],
    [['--checkpoint', 'household', '--threads', '0'], /a whole number above 0/],
    [['--checkpoint', 'household', '--host', '0.0.0.0'], /no API key is set/],
    [['--checkpoint', 'household', '--tls-cert', 'a'], /both --tls-cert and --tls-key/],
    [['--checkpoint', 'household', '--memory', 'much'], /expected a number of bytes/],
    [['--checkpoint', 'household', '--plan-ahead', '20'], /from 0 to 12/],
    [['--checkpoint', 'household', '--api-key-file', 'no-such-file'], /the API key cannot be read/],
    [['--replay', 'x', '--batch', '4'], /--batch: has no effect with --replay/],
    [['--replay', 'x', '--mask', 'base'], /--mask: has no effect with --replay/],
    [['--replay', 'x', '--no-rules'], /--no-rules: has no effect with --replay/],
    [['--replay', 'x', '--other-statistics'], /--other-statistics: has no effect with --replay/],
    [['--checkpoint', 'household', '--preload'], /--preload: has no effect without --mapping/],
    [['--checkpoint', 'household', '--batch-wait-ms', '9'], /--batch-wait-ms: .* without a --batch above 1/],
    [['--checkpoint', 'household', '--insecure'], /--insecure: has no effect on 127.0.0.1/],
    [['--checkpoint', 'household', '--host', '::', '--insecure', '--api-key-file', 'x'], /with --api-key-file/],
    [['--checkpoint', 'household', '--task', '0', '--default-task', '1'], /--default-task: .* with --task/],
    [['--checkpoint', 'x', '--no-correlated-noise', '--correlation-beta', '1'], /with --no-correlated-noise/],
    [['--checkpoint', 'x', '--keep-actions', '0', '--time-threshold-inpaint', '1'], /with --keep-actions 0/],
  ])('%j is wrong use', async (args, expected) => {
    const serve = command()
      .exitOverride()
      .configureOutput({ writeErr: () => undefined });
    await expect(serve.parseAsync(args, { from: 'user' })).rejects.toThrow(expected);
  });
});

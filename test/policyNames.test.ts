import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import * as exporting from '../src/cli/export.ts';
import * as home from '../src/cli/home.ts';
import * as importing from '../src/cli/import.ts';
import * as inspect from '../src/cli/inspect.ts';
import * as training from '../src/cli/train.ts';
import { checkpointDigest, checkpointFolder, readCheckpoint } from '../src/model/index.ts';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

let folder: string;
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-names-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs a command in this process. @returns what it printed on stdout */
async function run(command: Command, ...args: string[]): Promise<string> {
  let text = '';
  const hear = (chunk: unknown) => {
    text += chunk;
    return true;
  };
  const out = vi.spyOn(process.stdout, 'write').mockImplementation(hear);
  const error = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  for (const child of command.commands) child.exitOverride();
  try {
    await command.exitOverride().parseAsync(args, { from: 'user' });
    return text;
  } finally {
    out.mockRestore();
    error.mockRestore();
  }
}

it('inspect, export and import take the shipped policy by its name, and give it back', async () => {
  expect(JSON.parse(await run(inspect.command(), 'household', '--json'))).toMatchObject({
    layout: 'valet',
    missing: [],
  });
  await run(exporting.command(), 'household', '--format', 'safetensors', '--out', at('exported'), '--quiet');
  for (const [source, out] of [
    ['household', 'imported'],
    [at('exported'), 'back'],
  ] as const) {
    await run(importing.command(), source, '--out', at(out), '--quiet');
    const [was, now] = [await readCheckpoint('household'), await readCheckpoint(at(out))];
    expect([now.config, now.robot, now.policy]).toEqual([was.config, was.robot, was.policy]);
    const shipped = checkpointFolder('household');
    for (const file of ['params.safetensors', 'assets/household/norm_stats.json']) {
      const [a, b] = await Promise.all([shipped, at(out)].map((place) => readFile(join(place, file))));
      expect(a?.equals(b as Buffer), file).toBe(true);
    }
  }
});

it('home demos --correct and train --init take it by its name', async () => {
  const words = ['--tasks', 'turning_on_radio', '--episodes', '2', '--clip', '1.5', '--workers', '1', '--quiet'];
  await run(home.command(), 'demos', ...words, '--correct', 'household', '--out', at('corrections'));
  const settings = ['--steps', '1', '--threads', '1', '--seed', '0', '--set', 'batch=2', 'frameStride=5'];
  const from = ['--config', 'nano', '--data', at('corrections'), '--init', 'household', '--out', at('run')];
  await run(training.command(), ...from, ...settings);
  const record = JSON.parse(await readFile(join(at('run'), 'run.json'), 'utf8'));
  expect(record.initDigest).toBe(await checkpointDigest('household'));
  const trained = await readCheckpoint(join(at('run'), 'checkpoints', 'latest'));
  const { policy, card } = await readCheckpoint('household');
  expect(trained.card).toMatchObject({ step: 1, tasks: card['tasks'] });
  expect(trained.policy).toEqual(policy);
  // Neither is what a run from nothing would have.
  expect(policy).toMatchObject({ noiseScale: 0.5, session: { executeActions: 13, executeSteps: 10 } });
});

import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { tinyNetwork, tinyStatistics, writeTinyPolicy } from '../../test/support/model.ts';
import { codeVersion } from '../base/index.ts';
import { checkpointProvenance, initParameters, writeCheckpoint } from '../model/index.ts';
import { startServer } from '../serve/index.ts';

import * as demo from './demo.ts';
import * as evaluation from './eval.ts';
import * as home from './home.ts';
import * as report from './report.ts';

vi.mock('../serve/index.ts', async (load) => {
  const real = await load<typeof import('../serve/index.ts')>();
  return { ...real, startServer: vi.fn(real.startServer) };
});

let folder: string;
let checkpoint: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-demo-'));
  checkpoint = join(folder, 'tiny');
  await writeTinyPolicy(checkpoint, { samplingSteps: 2 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A command whose subcommands, too, throw instead of ending the process. */
function quiet(command: Command): Command {
  for (const child of command.commands) child.exitOverride();
  return command;
}

/** Runs a command in this process. @returns what it printed on stdout */
async function run(command: Command, ...args: string[]): Promise<string> {
  let text = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += chunk;
    return true;
  });
  try {
    await command.exitOverride().parseAsync(args, { from: 'user' });
    return text;
  } finally {
    write.mockRestore();
  }
}

const interval = { mean: expect.any(Number), low: expect.any(Number), high: expect.any(Number) };
const row = {
  q: expect.any(Number),
  low: expect.any(Number),
  high: expect.any(Number),
  success: expect.any(Number),
  episodes: 1,
};
const summary = { episodes: 1, q: interval, official: expect.any(Number), tasks: { turning_on_radio: row } };
const radio = [
  '--tasks',
  'turning_on_radio',
  '--episodes',
  '1',
  '--max-steps',
  '25',
  '--workers',
  '1',
  '--quiet',
  '--json',
];

describe('valet demo', { timeout: 240_000 }, () => {
  it('serves the policy, scores it beside the baselines, and prints one JSON object', async () => {
    const out = join(folder, 'demo');
    const printed = JSON.parse(await run(demo.command(), '--policy', checkpoint, '--out', out, ...radio));
    expect(printed).toEqual({ ...summary, baselines: { hold: summary, replay: summary }, out });
    const made = JSON.parse(await readFile(join(out, 'run.json'), 'utf8'));
    expect(made).toMatchObject({ server: codeVersion(), checkpoints: [await checkpointProvenance(checkpoint)] });
    const page = await readFile(join(out, 'report.html'), 'utf8');
    expect(page).toContain('data-unit="turning_on_radio_0_0"');
    const steps = (await readFile(join(out, 'rollouts', 'turning_on_radio_0_0', 'steps.jsonl'), 'utf8'))
      .trim()
      .split('\n');
    expect(steps).toHaveLength(25);
    expect(JSON.parse(steps[0]!)).toMatchObject({ step: 1, planned: true }); // the note came over the websocket
    expect(await readdir(join(out, 'json'))).toEqual(['turning_on_radio_0_0.json']);
    const again = JSON.parse(await run(report.command(), out, '--json'));
    expect(again).toEqual({ ...printed, page: join(out, 'report.html') });
  });

  it('the same policy in the same process scores the same', async () => {
    const out = join(folder, 'eval');
    const printed = JSON.parse(
      await run(evaluation.command(), '--policy', checkpoint, '--out', out, '--instances', '0', ...radio),
    );
    expect(printed).toEqual({ ...summary, out });
    expect(existsSync(join(out, 'report.html'))).toBe(true);
    await expect(run(evaluation.command(), '--policy', checkpoint, '--out', out, ...radio)).rejects.toThrow(/--resume/);
  });

  it('plays a policy whose tasks have other stages than the challenge', async () => {
    const other = join(folder, 'other-stages');
    const config = { ...tinyNetwork, taskNumStages: [tinyNetwork.maxStages] };
    await writeCheckpoint(other, {
      config,
      parameters: initParameters(config, 1),
      normStats: tinyStatistics(),
      card: {},
      policy: { samplingSteps: 2 },
    });
    await run(demo.command(), '--policy', other, '--out', join(folder, 'demo-other'), ...radio);
    expect(vi.mocked(startServer).mock.lastCall![0].sessionOptions).toMatchObject({
      taskNumStages: config.taskNumStages,
    });
  });
});

describe('wrong use', () => {
  it('is told apart, with a hint', async () => {
    const out = join(folder, 'wrong');
    await expect(run(demo.command(), '--policy', join(folder, 'none'))).rejects.toThrow(/no policy/);
    await expect(run(evaluation.command(), '--policy', 'exprt', '--out', out)).rejects.toThrow(/Did you mean expert/);
    await expect(
      run(evaluation.command(), '--policy', 'hold', '--tasks', 'turning_on_radios', '--out', out),
    ).rejects.toThrow(/Did you mean turning_on_radio/);
    await expect(
      run(evaluation.command(), '--policy', 'hold', '--queue', 'redis://127.0.0.1:1', '--out', out),
    ).rejects.toThrow(/no Redis answers there/);
    await expect(run(report.command(), folder)).rejects.toThrow(/holds no evaluation/);
    expect(existsSync(out)).toBe(false);
  });

  it('is an empty key file, too', async () => {
    const key = join(folder, 'empty.key');
    await writeFile(key, '\n');
    const words = ['--policy', 'ws://127.0.0.1:9', '--api-key-file', key, '--out', join(folder, 'no-key')];
    await expect(run(evaluation.command(), ...words)).rejects.toThrow(/empty.key: holds no API key/);
  });

  it.each([
    ['eval', ['--policy', 'expert', '--sampling-steps', '3'], /--sampling-steps: has no effect with --policy expert/],
    ['eval', ['--policy', 'hold', '--no-compress'], /--no-compress: has no effect with --policy hold/],
    ['eval', ['--policy', 'hold', '--demos', 'x'], /--demos: has no effect/],
    ['eval', ['--policy', 'hold', '--resume'], /holds no evaluation to go on with \(no run\.json\)/],
    ['eval', ['--policy', 'hold', '--seeds', '0-2'], /--seeds: has no effect with --policy hold/],
    ['eval', ['--policy', 'household', '--task', '0', '--default-task', '1'], /--default-task: .* with --task/],
    [
      'eval',
      ['--policy', 'household', '--device', 'cuda'],
      /--device: .* \(got .*, expected .*\)\. .*docs\/providers\.md/,
    ],
    ['eval', ['--policy', 'hold', '--api-key-file', 'package.json'], /--api-key-file: has no effect/],
    ['eval', ['--policy', 'hold', '--instances', '0-3', '--episodes', '9'], /--instances 0-3 names 4/],
    ['eval', ['--policy', 'hold', '--tasks', 'turning_on_radio,turning_on_radio'], /stands there twice/],
    ['demo', ['--tasks', 'nope'], /no household task nope/],
    ['demo', ['--tasks', 'turning_on_radio,turning_on_radio'], /stands there twice/],
    ['home', ['demos', '--tasks', 'turning_on_radio', '--episodes', '1', '--disturb', '0.5'], /without --clip/],
    ['home', ['demos', '--tasks', 'turning_on_radio', '--episodes', '1', '--late', '0.5'], /without --correct/],
    ['home', ['demos', '--tasks', 'a', '--episodes', '1'], /no household task a/],
  ] as const)('valet %s %j is refused before anything begins', async (name, words, message) => {
    const out = join(folder, 'refused');
    const commands = { eval: evaluation.command, demo: demo.command, home: home.command };
    const said = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
    await expect(run(quiet(commands[name]()), ...words, '--out', out)).rejects.toThrow(message);
    said.mockRestore();
    expect(existsSync(out)).toBe(false);
  });

  it.each(['eval', 'demo', 'watch'] as const)('valet %s looks at its output before the work', async (name) => {
    const file = join(folder, 'a-file');
    await writeFile(file, '');
    const words = {
      eval: () => run(evaluation.command(), '--policy', 'hold', '--out', join(file, 'x')),
      demo: () => run(demo.command(), '--policy', checkpoint, '--out', checkpoint),
      watch: () => run(home.command(), 'watch', 'turning_on_radio', '--out', folder),
    };
    const message = { eval: /is a file/, demo: /exists already\. Choose a new folder/, watch: /is a folder/ };
    await expect(words[name]()).rejects.toThrow(message[name]);
  });
});

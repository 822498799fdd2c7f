/** The whole way with robots that nobody wired in: data set → statistics → training → server → evaluation. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { command as importCommand } from '../src/cli/import.ts';
import { command as statsCommand } from '../src/cli/stats.ts';
import { command as trainCommand } from '../src/cli/train.ts';
import { type Environment, runEpisode } from '../src/evaluate/index.ts';
import { fakeObservation, type Policy, parseRobot, type Robot, robotNamed, robotRecord } from '../src/robot/index.ts';
import { RemotePolicy, serveCheckpoint } from '../src/serve/index.ts';
import { writeRobotDataset } from './support/data.ts';
import { writeForeignCheckpoint } from './support/model.ts';

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-whole-way-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A command as it is typed, its output kept from the terminal. */
async function run(
  command: { parseAsync(words: string[], from: { from: 'user' }): Promise<unknown> },
  words: string[],
) {
  const spies = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write').mockReturnValue(true));
  try {
    await command.parseAsync(words, { from: 'user' });
    expect(process.exitCode ?? 0).toBe(0);
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

/** A room for any robot: its first joint must get above 0.1 rad; what it is told is where it goes. */
function roomFor(robot: Robot, taskId: number): Environment {
  const { columns } = robot.parts.find(({ kind }) => kind === 'joint position') ?? { columns: [0, 1] };
  let [steps, joint] = [0, 0];
  return {
    robot,
    maxSteps: 40,
    get steps() {
      return steps;
    },
    reset() {
      [steps, joint] = [0, 0];
    },
    observation: () => fakeObservation(robot, { taskId, imageSize: 32, seed: steps }),
    step(action) {
      steps++;
      joint = action[columns[0]] ?? 0;
      return { done: joint > 0.1, success: joint > 0.1 };
    },
    q: () => (joint > 0.1 ? 1 : 0),
  };
}

/** Lifts the first joint a little every step. */
function lifting(robot: Robot): Policy {
  let told = 0;
  const { columns } = robot.parts.find(({ kind }) => kind === 'joint position') ?? { columns: [0, 1] };
  return {
    robot,
    reset: async () => {
      told = 0;
    },
    act: async () => {
      told += 0.02;
      return new Float32Array(robot.width).fill(told, columns[0], columns[0] + 1);
    },
    close: async () => {},
  };
}

/** Serves a checkpoint, asks as a client would, and plays an episode against it. */
async function servedAndEvaluated(checkpoint: string, robot: Robot, taskId: number) {
  const { server, close } = await serveCheckpoint({ checkpoint, port: 0, planner: { samplingSteps: 2 } });
  try {
    await server.ready;
    const remote = await RemotePolicy.connect(server.urls[0]!, { robot });
    try {
      const replies: number[] = [];
      for (let step = 0; step < 25; step++)
        replies.push((await remote.act(fakeObservation(robot, { taskId, imageSize: 32 }))).length);
      expect(new Set(replies)).toEqual(new Set([robot.width]));
      const played = await runEpisode({
        environment: roomFor(robot, taskId),
        policy: remote,
        instance: 0,
        maxSteps: 5,
      });
      expect(played.steps).toBeGreaterThan(0);
    } finally {
      await remote.close();
    }
  } finally {
    await close();
  }
  const done = await runEpisode({ environment: roomFor(robot, taskId), policy: lifting(robot), instance: 0 });
  expect(done).toMatchObject({ q: 1, success: true, steps: 5 });
}

describe('a single arm with 7 numbers', () => {
  const robot = parseRobot({ ...robotRecord(robotNamed('single-arm')), name: 'table-arm', horizon: 24 });

  it('goes from its data set to a server and an evaluation', async () => {
    const [data, stats, out] = ['data', 'stats', 'run'].map((name) => join(folder, name)) as [string, string, string];
    await writeRobotDataset(data, robot, { episodes: 3, frames: 40, tasks: 3 });
    await run(statsCommand(), [data, '--out', stats, '--json']);
    expect(JSON.parse(await readFile(join(stats, 'robot.json'), 'utf8')).name).toBe('table-arm');
    const small = ['visionWidth=16', 'vlmWidth=32', 'vlmMlpDim=32', 'expertWidth=16', 'expertMlpDim=32', 'layers=1'];
    await run(trainCommand(), [
      ...['--config', 'dummy', '--data', data, '--stats', join(stats, 'norm_stats.json'), '--out', out, '--steps', '2'],
      ...[...small, 'useFastAuxiliary=false'].flatMap((setting) => ['--set', `model.${setting}`]),
      ...['batch=2', 'validation.share=0', 'memoryGiB=1'].flatMap((setting) => ['--set', setting]),
    ]);
    const checkpoint = join(out, 'checkpoints', 'latest');
    expect(JSON.parse(await readFile(join(checkpoint, 'config.json'), 'utf8'))).toMatchObject({
      robot: { name: 'table-arm' },
      model: { actionHorizon: 24, cameras: ['front', 'wrist'] },
    });
    await servedAndEvaluated(checkpoint, robot, 2);
  });

  it('is refused where another robot stands', async () => {
    const other = robotNamed('aloha');
    await expect(runEpisode({ environment: roomFor(other, 0), policy: lifting(robot), instance: 0 })).rejects.toThrow(
      /table-arm is not aloha/,
    );
  });
});

describe('a robot with 21 numbers, 100 tasks and 413 stages', () => {
  const robot = robotNamed('r1pro-21');
  const stages = Array.from(
    { length: 100 },
    (_, task) => [2, 6, 3, 5][task % 4]! + (task < 52 && task % 4 === 1 ? 1 : 0),
  );

  it('goes from a checkpoint of that form to a server and an evaluation', async () => {
    expect(stages.reduce((a, b) => a + b, 0)).toBe(413);
    const [source, out] = [join(folder, 'authors'), join(folder, 'policy')];
    await writeForeignCheckpoint(source, robot, { stages });
    await writeFile(join(folder, 'config.json'), JSON.stringify({ useCorrelatedNoise: false }));
    const config = join(folder, 'config.json');
    await run(importCommand(), [source, '--out', out, '--config', config, '--json', '--quiet']);
    const { model, robot: kept } = JSON.parse(await readFile(join(out, 'config.json'), 'utf8'));
    expect([kept.name, model.taskNumStages]).toEqual(['r1pro-21', stages]);
    await servedAndEvaluated(out, robot, 99);
  });
});

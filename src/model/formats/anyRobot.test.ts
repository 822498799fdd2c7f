import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { flatStatistics, tinyNetwork, writeForeignCheckpoint } from '../../../test/support/model.ts';
import { fakeObservation, type Robot, robotNamed, stateOf } from '../../robot/index.ts';
import { readCheckpoint, writeCheckpoint } from '../checkpoint.ts';
import { initParameters, modelConfigFor } from '../network/index.ts';
import { createPlanner } from '../planning/index.ts';
import { exportCheckpoint } from './exportCheckpoint.ts';
import { importCheckpoint } from './importCheckpoint.ts';
import { readStageTable } from './stageTable.ts';

/** 413 semantic stages of 100 tasks, 2 to 9 each, as the 2026 authors' checkpoint has them. */
const STAGES = Array.from(
  { length: 100 },
  (_, task) => [2, 6, 3, 5][task % 4]! + (task < 52 && task % 4 === 1 ? 1 : 0),
);
[STAGES[1], STAGES[5]] = [9, 5];

let place: string;
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'valet-any-robot-'));
});
afterAll(() => rmSync(place, { recursive: true }));

const planOf = async (folder: string, robot: Robot, taskId: number) => {
  const planner = await createPlanner(await readCheckpoint(folder), { samplingSteps: 2, useCorrelatedNoise: false });
  try {
    const { proprioception, pictures } = fakeObservation(robot, { imageSize: 32 });
    const request = { taskId, stage: 1, state: stateOf(robot, proprioception), pictures, seed: 'x' };
    return (await planner.plan([request]))[0]!;
  } finally {
    await planner.close();
  }
};

describe('a checkpoint of 100 tasks, 413 stages and 21 numbers an action', () => {
  it('is told by what lies beside it, and plans', async () => {
    expect([STAGES.length, STAGES.reduce((a, b) => a + b, 0)]).toEqual([100, 413]);
    expect([Math.min(...STAGES), Math.max(...STAGES)].every((n) => n >= 2 && n <= 9)).toBe(true);
    const robot = robotNamed('r1pro-21');
    await writeForeignCheckpoint(join(place, 'authors'), robot, { stages: STAGES });
    const report = await importCheckpoint(join(place, 'authors'), join(place, 'policy'), {
      config: { useCorrelatedNoise: false },
    });
    expect(report.robot.name).toBe('r1pro-21');
    expect(report.assetId).toBe('b1k_2026');
    expect(report.config.taskNumStages).toEqual(STAGES);
    const prediction = await planOf(join(place, 'policy'), robot, 99);
    expect(prediction.actions).toHaveLength(robot.horizon * 21);
    expect([...prediction.stageLogits].filter(Number.isFinite)).toHaveLength(STAGES[99]!);
    const { robot: kept } = JSON.parse(readFileSync(join(place, 'policy', 'config.json'), 'utf8'));
    expect(kept.name).toBe('r1pro-21');
  });

  it('asks for the stages and the robot where nothing says them', async () => {
    const robot = robotNamed('r1pro-21');
    const bare = join(place, 'bare');
    await writeForeignCheckpoint(bare, robot, { stages: STAGES, bare: true });
    await expect(importCheckpoint(bare, join(place, 'none'))).rejects.toThrow(/100 tasks with 413 stages.*--stages/);
    writeFileSync(join(place, 'stages.json'), JSON.stringify(STAGES));
    const stages = await readStageTable(join(place, 'stages.json'));
    const { config } = await importCheckpoint(bare, join(place, 'told'), { stages });
    expect(config.taskNumStages).toEqual(STAGES);

    const odd = { ...robot, width: 19 };
    await writeForeignCheckpoint(join(place, 'odd'), odd, { stages: STAGES });
    await expect(importCheckpoint(join(place, 'odd'), join(place, 'none'))).rejects.toThrow(/19 numbers.*--robot/);
    const named = await importCheckpoint(join(place, 'odd'), join(place, 'named'), { robot });
    expect(named.robot.name).toBe('r1pro-21');
  });
});

describe('a checkpoint of a 7-number robot with 3 tasks', () => {
  it('plans 7 numbers, and keeps its robot through an export and an import', async () => {
    const robot = robotNamed('single-arm');
    const config = modelConfigFor(robot, {
      ...tinyNetwork,
      actionDim: robot.paddedWidth,
      actionHorizon: robot.horizon,
      cameras: [...robot.cameraNames],
      taskNumStages: [2, 3, 2],
    });
    const folder = join(place, 'arm');
    await writeCheckpoint(folder, {
      config,
      robot,
      parameters: initParameters(config, 'arm'),
      normStats: flatStatistics(robot.horizon, robot.paddedWidth, robot.width),
      card: {},
    });
    const prediction = await planOf(folder, robot, 1);
    expect(prediction.actions).toHaveLength(robot.horizon * 7);
    await exportCheckpoint(folder, join(place, 'exported'), { format: 'safetensors' });
    const record = JSON.parse(readFileSync(join(place, 'exported', 'robot.json'), 'utf8'));
    expect(record.name).toBe('single-arm');
  });

  it('refuses a robot that its network does not fit', async () => {
    const robot = robotNamed('single-arm');
    const file = join(place, 'arm', 'config.json');
    const config = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ ...config, model: { ...config.model, actionDim: 6 } }));
    await expect(readCheckpoint(join(place, 'arm'))).rejects.toThrow(/6 numbers, the robot single-arm needs 7/);
    writeFileSync(file, JSON.stringify({ ...config, model: { ...config.model, cameras: ['roof'] } }));
    await expect(readCheckpoint(join(place, 'arm'))).rejects.toThrow(/camera 'roof'.*front, wrist/);
    expect(robot.width).toBe(7);
  });
});

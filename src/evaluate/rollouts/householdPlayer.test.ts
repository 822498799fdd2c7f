import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { smallTraining, writeFakeSet } from '../../../test/support/training.ts';
import { splitOf } from '../../home/index.ts';
import { CHALLENGE_ROBOT, robotNamed } from '../../robot/index.ts';
import { train } from '../../train/index.ts';
import { householdPlayer } from './householdPlayer.ts';

vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-player-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the household beside a training', () => {
  it('plays train instances of the data’s tasks with the weights of the step', async () => {
    const data = join(folder, 'data');
    await writeFakeSet(data, [{ seed: 1 }, { seed: 2 }]);
    const config = await smallTraining({
      model: { useCorrelatedNoise: false },
      ...{ steps: 2, checkpointEvery: 2, samplingSteps: 2 },
    });
    const out = join(folder, 'run');
    const rollouts = { every: 2, tasks: 'all', episodes: 2, seed: 'look', maxSteps: 12 } as const;
    await train({ config, data: [data], out, threads: 1, rollouts, player: householdPlayer, best: 'q' });
    const lines = (await readFile(join(out, 'rollouts.jsonl'), 'utf8')).trim().split('\n');
    expect(lines).toHaveLength(1);
    const look = JSON.parse(lines[0] ?? '');
    expect(look).toMatchObject({ step: 2, task: 'turning_on_radio', episodes: 2, success: 0, seeds: ['look'] });
    expect(look.instances.map(splitOf)).toEqual(['train', 'train']);
    // An evaluation folder like any other: `valet report` shows it.
    expect(existsSync(join(out, 'rollouts', '000002', 'ledger.jsonl'))).toBe(true);

    // The same weights come to the same, here and now.
    const again = await householdPlayer.play(
      join(out, 'checkpoints', 'best'),
      { ...rollouts, tasks: ['turning_on_radio'] },
      join(folder, 'again'),
      new AbortController().signal,
    );
    expect(again).toEqual([{ ...look, step: undefined }].map(({ step: _, ...rest }) => rest));
  });

  it('takes tasks that the household and the data have, and its robot alone', async () => {
    const ofData = ['turning_on_radio', 'sorting_vegetables', 'picking_up_trash'];
    const tasks = (wanted: readonly string[] | 'all', robot = CHALLENGE_ROBOT) =>
      householdPlayer.tasks(wanted, ofData, robot);
    expect(await tasks('all')).toEqual(['turning_on_radio', 'picking_up_trash']);
    expect(await tasks(['picking_up_trash'])).toEqual(['picking_up_trash']);
    await expect(tasks(['bringing_water'])).rejects.toThrow(/the data holds no bringing_water/);
    await expect(tasks(['turning_of_radio'])).rejects.toThrow(/turning_on_radio/);
    await expect(householdPlayer.tasks('all', ['sorting_vegetables'], CHALLENGE_ROBOT)).rejects.toThrow(
      /none of the data's tasks/,
    );
    const other = robotNamed('single-arm');
    await expect(tasks('all', other)).rejects.toThrow(/the policy's robot/);
  });
});

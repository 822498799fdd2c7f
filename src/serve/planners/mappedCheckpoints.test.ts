import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { createSession } from '../../control/index.ts';
import { configs } from '../../model/index.ts';
import { CHALLENGE_ROBOT, type Robot, robotNamed, robotRecord, type TaskSuccessors } from '../../robot/index.ts';
import type { CheckpointMapping } from './checkpointMapping.ts';
import { readMappedCheckpoints } from './mappedCheckpoints.ts';

const place = mkdtempSync(join(tmpdir(), 'valet-stages-'));
afterAll(() => rmSync(place, { recursive: true }));

const taskStages = async (mapping: CheckpointMapping) => (await readMappedCheckpoints(mapping)).stages.taskNumStages;

function checkpoint(name: string, taskNumStages: number[], robot?: Robot, stageSuccessors?: TaskSuccessors): string {
  const folder = join(place, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'config.json'),
    JSON.stringify({
      format: 1,
      model: { ...configs.dummy, taskNumStages, ...(stageSuccessors && { stageSuccessors }) },
      ...(robot && { robot: robotRecord(robot) }),
    }),
  );
  return folder;
}

it('stages are those of the checkpoint that plans for the task, also beyond the 50 of the challenge', async () => {
  const hundred = checkpoint(
    'hundred',
    Array.from({ length: 100 }, (_, i) => 1 + (i % 9)),
  );
  const few = checkpoint('few', [4, 5], undefined, { 1: [[1, 2], [3], [4], [4], []] });
  const paths = new Map([hundred, few].map((folder) => [folder, folder]));
  const alone = await taskStages({ paths: new Map([[hundred, hundred]]), byTask: new Map(), otherwise: hundred });
  expect([alone.length, alone[50], alone[99]]).toEqual([100, 6, 1]);
  const byTask = new Map([1, 7].map((task) => [task, few]));
  const mixed = await taskStages({ paths, byTask, otherwise: hundred });
  expect([mixed[0], mixed[1], mixed[7], mixed[99]]).toEqual([1, 5, undefined, 1]);

  const { stageSuccessors } = (await readMappedCheckpoints({ paths, byTask, otherwise: hundred })).stages;
  expect(stageSuccessors).toEqual({ 1: [[1, 2], [3], [4], [4], []] });

  const missing = join(place, 'missing');
  const later = taskStages({ paths: new Map([[missing, missing]]), byTask: new Map([[0, missing]]) });
  await expect(later).rejects.toThrow(/missing.*cannot be read/);

  const session = createSession({ taskNumStages: mixed });
  const black = { width: 1, height: 1, channels: 3 as const, data: new Uint8Array(3) };
  const pictures = { head: black, left_wrist: black, right_wrist: black };
  const observation = { proprioception: new Float32Array(61), pictures };
  session.observe({ ...observation, taskId: 99 });
  expect(session.planRequest().taskId).toBe(99);
  expect(() => session.observe({ ...observation, taskId: 7 })).toThrow('unknown task id (got 7');
});

it('have their plans executed as they say, where they agree', async () => {
  const own = { executeActions: 13, executeSteps: 10, votes: 4 };
  const [one, same, other] = ['one', 'same', 'other'].map((name) => {
    const folder = checkpoint(name, [4]);
    const file = join(folder, 'config.json');
    const policy = name === 'other' ? {} : { session: own };
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), policy }));
    return folder;
  }) as [string, string, string];
  const sessionOf = async (...folders: string[]) => {
    const paths = new Map(folders.map((folder) => [folder, folder]));
    return (await readMappedCheckpoints({ paths, byTask: new Map(), otherwise: folders[0]! })).session;
  };
  expect(await sessionOf(one, same)).toEqual(own);
  expect(await sessionOf(other)).toEqual({});
  expect(await sessionOf(one, other)).toBeUndefined();
});

it('drive one robot, or are refused by the names of both', async () => {
  const folders = [
    checkpoint('silent', [3]),
    checkpoint('named', [3], { ...robotNamed('r1pro'), name: 'the same by another name' }),
  ];
  const mapping = (all: string[]) => ({
    paths: new Map(all.map((folder) => [folder, folder])),
    byTask: new Map(all.map((folder, task) => [task, folder])),
  });
  expect((await readMappedCheckpoints(mapping(folders))).robot).toEqual(CHALLENGE_ROBOT);
  const arm = checkpoint('arm', [3], robotNamed('single-arm'));
  await expect(readMappedCheckpoints(mapping([...folders, arm]))).rejects.toThrow(
    /one server serves one robot, but .*silent drives r1pro and .*arm drives single-arm/,
  );
  expect((await readMappedCheckpoints(mapping([arm]))).robot).toEqual(robotNamed('single-arm'));
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HOME_TASKS } from '../../home/index.ts';
import { tasksFor } from './tasks.ts';

const SHIPPED = HOME_TASKS.map(({ name }) => name);

describe('tasks when none are named', () => {
  it('are those that the checkpoint was trained on, in the household’s order', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'valet-tasks-'));
    const last = HOME_TASKS.at(-1)!.name;
    await writeFile(join(folder, 'card.json'), JSON.stringify({ tasks: [last, 'dancing', 'turning_on_radio'] }));
    expect(await tasksFor(folder)).toEqual(['turning_on_radio', last]);
    await rm(folder, { recursive: true });
  });

  it('are those of the policy that comes with Valet, where no checkpoint says', async () => {
    expect(await tasksFor()).toEqual(SHIPPED);
    expect(await tasksFor('nowhere')).toEqual(SHIPPED);
  });
});

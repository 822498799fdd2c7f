import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { InputError, readJson } from '../../base/index.ts';
import type { StoredTree } from './openTree.ts';

const Counts = z.array(z.number().int().positive()).min(1);
/** What programs call the stages of each task in a JSON beside their checkpoint. */
const KEYS = ['taskNumStages', 'task_num_stages', 'task_stages', 'num_stages_per_task', 'num_stages'];

/** Stages of each task from a file: a JSON list, or an object with such a list. @throws InputError for anything else */
export async function readStageTable(file: string): Promise<number[]> {
  const found = countsIn(await readJson(file, z.unknown()));
  if (found) return found;
  throw new InputError(
    file,
    `holds no stages of tasks (expected a JSON list of numbers, or an object with ${KEYS[0]}).`,
  );
}

/**
 * Stages of each task as a JSON beside a checkpoint tells them: one whose list has a number for each task and sums up
 * to the rows of the table. undefined when there is none.
 */
export async function stagesBeside(tree: StoredTree, tasks: number, rows: number): Promise<number[] | undefined> {
  const { folder } = tree;
  const assets = folder && join(folder, 'assets');
  for (const place of [folder, assets].filter((path) => path !== undefined && existsSync(path)))
    for (const name of readdirSync(place as string).filter((file) => file.endsWith('.json'))) {
      const found = countsIn(await readJson(join(place as string, name), z.unknown()).catch(() => undefined));
      if (found?.length === tasks && sum(found) === rows) return found;
    }
  return undefined;
}

/** The first list of counts under one of the keys, up to two objects deep. */
function countsIn(value: unknown, depth = 0): number[] | undefined {
  const list = Counts.safeParse(value);
  if (list.success) return depth === 0 || list.data.length > 1 ? list.data : undefined;
  if (typeof value !== 'object' || value === null || Array.isArray(value) || depth > 2) return undefined;
  const object = value as Record<string, unknown>;
  for (const key of KEYS) {
    const counts = Counts.safeParse(object[key]);
    if (counts.success) return counts.data;
  }
  for (const inner of Object.values(object)) {
    const found = typeof inner === 'object' && !Array.isArray(inner) ? countsIn(inner, depth + 1) : undefined;
    if (found) return found;
  }
  return undefined;
}

const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);

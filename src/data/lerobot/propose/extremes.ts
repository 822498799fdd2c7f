import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { eachJsonLine, readJson } from '../../../base/index.ts';

/** Least and largest value of each column of the action. */
export interface Extremes {
  readonly min: readonly number[];
  readonly max: readonly number[];
}

const Column = z.looseObject({ min: z.array(z.number()), max: z.array(z.number()) });
const Stats = z.looseObject({ action: Column.optional() });
const Line = z.looseObject({ stats: Stats });

/** From meta/stats.json, else from the lines of meta/episodes_stats.jsonl; undefined where neither tells. */
export async function actionExtremes(root: string): Promise<Extremes | undefined> {
  const whole = join(root, 'meta', 'stats.json');
  if (existsSync(whole)) {
    const { action } = await readJson(whole, Stats);
    if (action) return action;
  }
  const lines = join(root, 'meta', 'episodes_stats.jsonl');
  if (!existsSync(lines)) return undefined;
  let found: Extremes | undefined;
  for await (const { value } of eachJsonLine(lines, Line)) {
    const { action } = value.stats;
    if (!action) continue;
    found = {
      min: action.min.map((value, i) => Math.min(value, found?.min[i] ?? value)),
      max: action.max.map((value, i) => Math.max(value, found?.max[i] ?? value)),
    };
  }
  return found;
}

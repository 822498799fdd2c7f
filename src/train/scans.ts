import { join } from 'node:path';
import { z } from 'zod';
import { readJson, writeFileAside } from '../base/index.ts';
import type { SampleScan } from '../data/index.ts';

const Place = z.object({ sample: z.int(), folder: z.int(), episode: z.int(), frame: z.int() });

/** What a look at all numbers of a run's streamed samples found, so that a resumed run need not look again. */
const Scans = z.record(
  z.string(),
  z.object({
    taskInfoSize: z.int().min(0),
    bad: z.array(
      z.union([
        Place.extend({
          what: z.enum(['state', 'action', 'task_info']),
          dimension: z.int(),
          // JSON has no NaN and no infinity.
          value: z.string().transform(Number),
        }),
        Place.extend({ what: z.literal('pictures'), problem: z.string() }),
      ]),
    ),
  }),
);
/** By what the samples are: data, robot, chunks, part. */
export type Scans = Readonly<Record<string, SampleScan>>;

const pathOf = (folder: string): string => join(folder, 'samples.json');

/** None where there is no whole file: then the samples are looked at again. */
export const readScans = (folder: string): Promise<Scans> => readJson(pathOf(folder), Scans).catch(() => ({}));

export async function writeScans(folder: string, scans: Scans): Promise<void> {
  if (Object.keys(scans).length === 0) return;
  const text = JSON.stringify(scans, (key, value) => (key === 'value' ? String(value) : value), 1);
  await writeFileAside(pathOf(folder), `${text}\n`);
}

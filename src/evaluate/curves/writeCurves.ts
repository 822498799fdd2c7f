import { join } from 'node:path';
import { writeFileAside } from '../../base/index.ts';
import { curvesPage, runNames } from './curvesPage.ts';
import { readRun } from './readRun.ts';

export { isTrainingFolder } from './readRun.ts';

/** Where each run stands. */
export interface CurvesSummary {
  readonly page: string;
  readonly runs: readonly {
    readonly name: string;
    readonly folder: string;
    readonly step: number;
    readonly steps: number;
    /** The last point of the curve. */
    readonly loss: number;
  }[];
}

/**
 * Writes a page with the curves of training folders over each other, by default `report.html` in the first one.
 * @throws InputError for a folder without a logged update
 */
export async function writeCurves(folders: readonly string[], out?: string): Promise<CurvesSummary> {
  const runs = await Promise.all(folders.map(readRun));
  const page = out ?? join(folders[0] ?? '.', 'report.html');
  await writeFileAside(page, curvesPage(runs));
  const names = runNames(runs);
  return {
    page,
    runs: runs.map(({ folder, done, steps, training }, i) => ({
      ...{ name: names[i] ?? folder, folder, step: done, steps },
      loss: training.get('loss')?.y.at(-1) ?? Number.NaN,
    })),
  };
}

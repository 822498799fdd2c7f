import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'tsdown';
import type { TestProject } from 'vitest/node';
import { common, workers } from '../../tsdown.config.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Builds the worker threads into a folder. */
const make = async (place: string): Promise<void> => {
  const copy = [{ from: ['src/kernels/*/*.wasm'], to: join(place, 'kernels') }];
  await build({
    ...{ ...common, cwd: ROOT, config: false, entry: workers, outDir: place, copy, dts: false, logLevel: 'warn' },
  });
};

/**
 * Builds the worker threads for this process and those that it starts: loaded from their sources, every start of one
 * takes twice as long. They lie below the package, where they find what they import.
 * @returns what takes them away again
 */
export async function buildWorkers(onRerun?: (again: () => Promise<void>) => void): Promise<() => Promise<void>> {
  const out = join(ROOT, 'out');
  await mkdir(out, { recursive: true });
  const place = await mkdtemp(join(out, 'test-workers-'));
  await make(place);
  onRerun?.(() => make(place));
  process.env['VALET_WORKERS'] = join(place, 'workers');
  return () => rm(place, { recursive: true, force: true });
}

/** Once for all tests of a run, and again before each repetition of a watching one. */
export const setup = (project: TestProject): Promise<() => Promise<void>> =>
  buildWorkers((again) => project.onTestsRerun(again));

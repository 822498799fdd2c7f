import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'tsdown';
import type { TestProject } from 'vitest/node';
import { common, workers } from '../../tsdown.config.ts';

const OUT = join(import.meta.dirname, '../../out');

/**
 * Builds the worker threads once for all tests of a run, and again before each repetition of a watching one: loaded
 * from their sources, every start of one takes twice as long. They lie below the package, where they find what they
 * import.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await mkdir(OUT, { recursive: true });
  const place = await mkdtemp(join(OUT, 'test-workers-'));
  const copy = [{ from: ['src/kernels/*/*.wasm'], to: join(place, 'kernels') }];
  const make = async () =>
    void (await build({ ...common, config: false, entry: workers, outDir: place, copy, dts: false, logLevel: 'warn' }));
  await make();
  project.onTestsRerun(make);
  process.env['VALET_WORKERS'] = join(place, 'workers');
  return () => rm(place, { recursive: true, force: true });
}

import pc from 'picocolors';
import type { Check } from './check.ts';
import { Skip } from './python.ts';

const CHECKS: Readonly<Record<string, () => Promise<{ check: Check }>>> = {
  checkpoints: () => import('./checkpoints/check.ts'),
  augmentation: () => import('./augmentation/check.ts'),
  gym: () => import('./gym/check.ts'),
  data: () => import('./data/check.ts'),
  server: () => import('./server/check.ts'),
  balancer: () => import('./balancer/check.ts'),
  proxy: () => import('./proxy/check.ts'),
  queue: () => import('./queue/check.ts'),
  mpi: () => import('./mpi/check.ts'),
  viewers: () => import('./viewers/check.ts'),
  tensorboard: () => import('./tensorboard/check.ts'),
  twins: () => import('./twins/check.ts'),
  tokenizers: () => import('./tokenizers/check.ts'),
};

async function main(all: string[]): Promise<number> {
  const options = all.findIndex((word) => word.startsWith('--'));
  const [names, args] = options < 0 ? [all, []] : [all.slice(0, options), all.slice(options)];
  const unknown = names.find((name) => !(name in CHECKS));
  if (unknown !== undefined) {
    console.error(`interop: no check named ${unknown} (there are: ${Object.keys(CHECKS).join(', ')}).`);
    return 2;
  }
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const [name, load] of Object.entries(CHECKS)) {
    if (names.length > 0 && !names.includes(name)) continue;
    const report = (what: string, passed: boolean, detail = '') => {
      counts[passed ? 'passed' : 'failed']++;
      console.log(`${passed ? pc.green('pass') : pc.red('FAIL')} ${name}: ${what}${detail ? ` (${detail})` : ''}`);
    };
    try {
      await (await load()).check(report, args);
    } catch (error) {
      if (error instanceof Skip) {
        counts.skipped++;
        console.log(`${pc.yellow('skip')} ${name}: ${error.message}`);
      } else report('runs to its end', false, String((error as Error).stack ?? error));
    }
  }
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} checks skipped`);
  // A check that was asked for and cannot run has not passed.
  return counts.failed > 0 || (names.length > 0 && counts.skipped > 0) ? 1 : 0;
}

process.exit(await main(process.argv.slice(2)));

import pc from 'picocolors';
import { Skip } from './python.ts';

/** One check: compares, calling `report` once per thing compared. */
export type Check = (report: (what: string, passed: boolean, detail?: string) => void) => Promise<void>;

const CHECKS: Record<string, () => Promise<{ check: Check }>> = {
  server: () => import('./server/check.ts'),
};

async function main(names: string[]): Promise<number> {
  const unknown = names.find((name) => !(name in CHECKS));
  if (unknown !== undefined) {
    console.error(`interop: no check named ${unknown} (there are: ${Object.keys(CHECKS).join(', ')}).`);
    return 2;
  }
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const name of names.length > 0 ? names : Object.keys(CHECKS)) {
    const report = (what: string, passed: boolean, detail = '') => {
      counts[passed ? 'passed' : 'failed']++;
      console.log(`${passed ? pc.green('pass') : pc.red('FAIL')} ${name}: ${what}${detail ? ` (${detail})` : ''}`);
    };
    try {
      await (await CHECKS[name]!()).check(report);
    } catch (error) {
      if (error instanceof Skip) {
        counts.skipped++;
        console.log(`${pc.yellow('skip')} ${name}: ${error.message}`);
      } else report('runs to its end', false, String((error as Error).stack ?? error));
    }
  }
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} checks skipped`);
  return counts.failed > 0 ? 1 : 0;
}

process.exit(await main(process.argv.slice(2)));

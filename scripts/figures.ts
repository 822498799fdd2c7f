/** Makes the figures of the pages, docs/images/*.svg, from the shipped policy. `npm run figures` */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const IMAGES = join(ROOT, 'docs/images');
const WORK = join(ROOT, 'out/figures');
const DEMOS = join(WORK, 'demos');
const ROLLOUTS = join(WORK, 'rollouts');

const valet = (...words: string[]) =>
  execFileSync(process.execPath, ['--import', 'tsx', join(ROOT, 'src/cli/main.ts'), ...words], {
    stdio: 'inherit',
    cwd: ROOT,
  });
const figure = (name: string, source: string, as: string, ...more: string[]) =>
  valet('figure', name, source, '--out', join(IMAGES, `${as}.svg`), ...more);

if (!existsSync(DEMOS)) valet('home', 'demos', '--tasks', 'turning_on_radio', '--episodes', '1', '--out', DEMOS);
if (!existsSync(ROLLOUTS))
  valet('eval', '--policy', 'household', '--tasks', 'picking_up_trash', '--instances', '0', '--out', ROLLOUTS);
figure('correlation', 'household', 'correlation');
figure('inpainting', 'household', 'inpainting');
figure('attention', 'full', 'attention');
figure('mixing', 'household', 'mixing');
figure('compression', DEMOS, 'compression', '--frame', '30');
figure('stages', join(ROLLOUTS, 'rollouts/picking_up_trash_0_0'), 'stages');

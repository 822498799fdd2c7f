import { readdirSync } from 'node:fs';
import { defineConfig } from 'tsdown';

/** Every `src/<folder>/<name>.worker.ts` becomes `dist/workers/<folder>-<name>.worker.js`, where `startWorker` looks for it. */
const workers = Object.fromEntries(
  readdirSync('src', { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.worker.ts') && !file.startsWith('base/'))
    .map((file) => [`workers/${file.replace(/\.ts$/, '').replaceAll('/', '-')}`, `src/${file}`]),
);

export default defineConfig({
  entry: { valet: 'src/cli/main.ts', ...workers },
  format: 'esm',
  platform: 'node',
  target: 'node20',
  dts: false,
  sourcemap: true,
  clean: true,
  fixedExtension: false,
  copy: [{ from: ['src/kernels/*/*.wasm', 'src/kernels/zstd/LICENSE.zstd'], to: 'dist/kernels' }],
});

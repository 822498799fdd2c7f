import { readdirSync } from 'node:fs';
import { defineConfig } from 'tsdown';
import packageFile from './package.json' with { type: 'json' };

/** What can be imported: `valet-vla/action` is `src/action/index.ts`, `valet-vla` is `src/index.ts`. */
const library = Object.fromEntries(
  Object.keys(packageFile.exports)
    .filter((path) => path !== './package.json')
    .map((path) => (path === '.' ? ['index', 'src/index.ts'] : [path.slice(2), `src/${path.slice(2)}/index.ts`])),
);

/** Every `src/<folder>/<name>.worker.ts` becomes `dist/workers/<folder>-<name>.worker.js`, where `startWorker` looks for it. */
const workers = Object.fromEntries(
  readdirSync('src', { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.worker.ts') && !file.startsWith('base/'))
    .map((file) => [`workers/${file.replace(/\.ts$/, '').replaceAll('/', '-')}`, `src/${file}`]),
);

/** The command's entry stays a plain script, which Nodes read that know no modules: it tells them what it needs. */
const plainEntry = {
  name: 'plain-entry',
  generateBundle(_: unknown, bundle: Record<string, { type: string; code?: string }>) {
    const entry = bundle['valet.js'];
    if (entry?.code) entry.code = entry.code.replace(/^export \{\};$/m, '');
  },
};

/** One build of everything, so that each module stands in one chunk: an error's class is the same whichever entry it came through. */
export default defineConfig(({ dts }) => ({
  entry: { valet: 'src/cli/entry.ts', ...library, ...workers },
  format: 'esm',
  platform: 'node',
  target: 'node20',
  dts: dts ? { entry: Object.values(library) } : false,
  sourcemap: true,
  clean: true,
  fixedExtension: false,
  inputOptions: { checks: { pluginTimings: false } },
  outputOptions: { chunkFileNames: 'chunks/[name]-[hash].js' },
  // The tarball has them in dist/node_modules (scripts/shipDependencies.ts); msgpackr does without its native part.
  deps: { neverBundle: ['onnxruntime-node', /^node-av/, 'msgpackr-extract'] },
  plugins: [plainEntry],
  copy: [{ from: ['src/kernels/*/*.wasm'], to: 'dist/kernels' }],
}));

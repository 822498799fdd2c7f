import { readdirSync } from 'node:fs';
import { defineConfig, type UserConfig } from 'tsdown';
import packageFile from './package.json' with { type: 'json' };

/** What can be imported: `valet-vla/action` is `src/action/index.ts`, `valet-vla` is `src/index.ts`. */
const library = Object.fromEntries(
  Object.keys(packageFile.exports)
    .filter((path) => path !== './package.json')
    .map((path) => (path === '.' ? ['index', 'src/index.ts'] : [path.slice(2), `src/${path.slice(2)}/index.ts`])),
);

/** Every `src/<folder>/<name>.worker.ts` becomes `workers/<folder>-<name>.worker.js`, where `startWorker` looks for it. */
export const workers = Object.fromEntries(
  readdirSync('src', { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.worker.ts'))
    .map((file) => [`workers/${file.replace(/\.ts$/, '').replaceAll('/', '-')}`, `src/${file}`]),
);
/** What only tests start. */
const { 'workers/base-echo.worker': _, 'workers/base-sideBySide.worker': __, ...shipped } = workers;

/** The command's entry stays a plain script, which Nodes read that know no modules: it tells them what it needs. */
const plainEntry = {
  name: 'plain-entry',
  generateBundle(_: unknown, bundle: Record<string, { type: string; code?: string }>) {
    const entry = bundle['valet.js'];
    if (entry?.code) entry.code = entry.code.replace(/^export \{\};$/m, '');
  },
};

/** What every build has in common. */
export const common = {
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: true,
  clean: true,
  fixedExtension: false,
  inputOptions: { checks: { pluginTimings: false } },
  outputOptions: { chunkFileNames: 'chunks/[name]-[hash].js' },
  // The tarball has them in dist/node_modules (scripts/shipDependencies.ts); msgpackr does without its native part.
  deps: { neverBundle: ['onnxruntime-node', /^node-av/, 'koffi', 'msgpackr-extract'] },
} satisfies UserConfig;

/** One build of everything, so that each module stands in one chunk: an error's class is the same whichever entry it came through. */
export default defineConfig(({ dts }) => ({
  ...common,
  entry: { valet: 'src/cli/entry.ts', ...library, ...shipped },
  dts: dts ? { entry: Object.values(library) } : false,
  plugins: [plainEntry],
  copy: [{ from: ['src/kernels/*/*.wasm'], to: 'dist/kernels' }],
}));

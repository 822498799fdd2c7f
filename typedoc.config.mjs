import { readFileSync } from 'node:fs';

const { exports } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));
const entries = Object.keys(exports)
  .filter((path) => path !== './package.json')
  .map((path) => (path === '.' ? 'src/index.ts' : `src/${path.slice(2)}/index.ts`));

/** The API reference: a module per entry of the package. Types that signatures mention but no door hands out stand under "Internals". */
export default {
  name: 'Valet',
  entryPoints: entries,
  plugin: ['typedoc-plugin-missing-exports'],
  internalModule: 'Internals',
  collapseInternalModule: true,
  tsconfig: 'tsconfig.json',
  out: 'out/api',
  readme: 'docs/howto/use-as-a-library.md',
  excludePrivate: true,
  excludeExternals: true,
  excludeInternal: true,
  disableSources: true,
};

/**
 * The layer rule of docs/architecture.md: a file imports from its own layer and from layers above it in this list, never from one below; a layer is
 * entered by its front door, `index.ts`, and so is a room inside a layer that has one.
 */
const { existsSync, readdirSync } = require('node:fs');

const layers = ['base', 'kernels', 'tensor', 'robot', 'picture', 'action', 'data', 'model', 'train', 'control', 'wire', 'serve', 'home', 'evaluate', 'study', 'verify', 'studio', 'testing', 'cli'];
/** Rooms within a layer that have a front door of their own. */
const rooms = layers
  .filter((layer) => existsSync(`src/${layer}`))
  .flatMap((layer) => readdirSync(`src/${layer}`).map((room) => `${layer}/${room}`))
  .filter((room) => existsSync(`src/${room}/index.ts`));

const throughDoors = (tests) => [
  ...layers.map((layer) => ({
    name: `${layer}-has-a-front-door`,
    severity: 'error',
    from: { path: '^(src|bench|examples|interop|test)/', pathNot: [`^src/${layer}/`, ...tests] },
    to: { path: `^src/${layer}/`, pathNot: [`^src/${layer}/index\\.ts$`] },
  })),
  ...rooms.map((room) => ({
    name: `${room.replace('/', '-')}-has-a-front-door`,
    severity: 'error',
    from: { path: `^src/${room.split('/')[0]}/`, pathNot: [`^src/${room}/`, `^src/${room.split('/')[0]}/index\\.ts$`, ...tests] },
    to: { path: `^src/${room}/`, pathNot: [`^src/${room}/index\\.ts$`] },
  })),
];

module.exports = {
  forbidden: [
    { name: 'no-circle', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-orphan-import', severity: 'error', from: {}, to: { couldNotResolve: true } },
    ...layers.slice(0, -1).map((layer, index) => ({
      name: `${layer}-imports-only-upwards`,
      severity: 'error',
      from: { path: `^src/${layer}/` },
      to: { path: `^src/(${layers.slice(index + 1).join('|')})/` },
    })),
    { name: 'source-knows-no-tests', severity: 'error', from: { path: '^src/', pathNot: '\\.test\\.ts$' }, to: { path: '^(test|interop|examples)/' } },
    // A test may look behind the doors: it stands beside what it tests.
    ...throughDoors(['\\.test\\.ts$', '^test/']),
  ],
  options: { tsPreCompilationDeps: true, tsConfig: { fileName: 'tsconfig.json' }, doNotFollow: { path: 'node_modules' }, exclude: { path: '[.]venv' }, enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'], extensions: ['.ts', '.js', '.mjs', '.json'] } },
};

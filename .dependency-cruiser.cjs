/** The layer rule of the architecture: a file imports from its own layer and from layers above it in this list, never from one below. */
const layers = ['base', 'kernels', 'tensor', 'action', 'data', 'model', 'train', 'control', 'serve', 'home', 'evaluate', 'study', 'verify', 'studio', 'cli'];

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
  ],
  options: { tsPreCompilationDeps: true, tsConfig: { fileName: 'tsconfig.json' }, doNotFollow: { path: 'node_modules' }, exclude: { path: '\\.test\\.ts$' }, enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'], extensions: ['.ts', '.js', '.mjs', '.json'] } },
};

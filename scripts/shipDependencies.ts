/**
 * `npm pack` takes these packages into the tarball: their own install scripts fetch from hosts other than the registry,
 * and fail without them. What runs of them goes to dist/node_modules, where the build finds it, without scripts:
 *   npx tsx scripts/shipDependencies.ts [--remove]
 * Binaries of node-av and koffi are packages of their own, which have no script: they stay optional dependencies.
 */
import { copyFileSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const TARGET = join(ROOT, 'dist/node_modules');

/**
 * Files of each package. Of ONNX Runtime every platform comes once, without Microsoft's DirectX libraries (other terms,
 * and 36 of 110 MB): Windows has its own.
 */
const SHIPPED: Readonly<Record<string, RegExp>> = {
  'onnxruntime-common': /^dist\/cjs\/(.*\.js|package\.json)$/,
  'onnxruntime-node':
    /^(dist\/.*\.js|bin\/.*\/(onnxruntime_binding\.node|libonnxruntime\.(so\.1|1\.dylib)|onnxruntime\.dll))$/,
  koffi: /^(LICENSE\.txt|index\.js|src\/koffi\/(index\.js|src\/static\.js))$/,
  'node-av': /^(LICENSE\.md|dist\/(lib|constants|utils)\/.*\.js)$/,
};
/** What a runtime reads of a package file. */
const KEPT = ['name', 'version', 'license', 'type', 'main', 'exports'] as const;

function ship(name: string, files: RegExp): void {
  const from = join(ROOT, 'node_modules', name);
  const paths = readdirSync(from, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => files.test(path));
  if (paths.length === 0) throw new Error(`${name}: no file matches ${files}. Run npm ci.`);
  for (const path of paths) {
    const to = join(TARGET, name, path);
    mkdirSync(dirname(to), { recursive: true });
    try {
      linkSync(join(from, path), to); // 160 MB that need not be written
    } catch {
      copyFileSync(join(from, path), to);
    }
  }
  const packageFile = JSON.parse(readFileSync(join(from, 'package.json'), 'utf8')) as Record<string, unknown>;
  const kept = Object.fromEntries(KEPT.filter((key) => key in packageFile).map((key) => [key, packageFile[key]]));
  writeFileSync(join(TARGET, name, 'package.json'), `${JSON.stringify(kept, null, 2)}\n`);
}

rmSync(TARGET, { recursive: true, force: true });
if (!process.argv.includes('--remove')) for (const [name, files] of Object.entries(SHIPPED)) ship(name, files);

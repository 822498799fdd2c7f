/** Packs this repository as it stands in an unbuilt clone, and installs the tarball with npm's defaults. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '../..');
/** Beside the build: the tarball holds these, and nothing that matches the second list. */
const REQUIRED = [
  ...['README.md', 'LICENSE', 'LICENSES/zstd.txt', 'LICENSES/queue.txt', 'LICENSES/onnxruntime.txt'],
  'LICENSES/onnxruntime-third-party.txt',
  ...['CHANGELOG.md', 'docs/howto/use-as-a-library.md', 'dist/index.d.ts', 'dist/valet.js', 'examples/plan.ts'],
  ...['policies/household/params.safetensors', 'bench/peers/plan.py', 'dist/node_modules/node-av/LICENSE.md'],
  'dist/node_modules/koffi/LICENSE.txt',
  ...['linux/x64', 'linux/arm64', 'darwin/arm64', 'win32/x64', 'win32/arm64'].map(
    (platform) => `dist/node_modules/onnxruntime-node/bin/napi-v6/${platform}/onnxruntime_binding.node`,
  ),
];
const FORBIDDEN = /\.test\.|^src\/|^test\/|^interop\/|\.venv|__pycache__|^node_modules|DirectML/;
/** Bytes of the tarball: 65 MB are ONNX Runtime for five platforms, 11.6 MB the policy; code and pages are the rest. */
const LARGEST = 83e6;
const SCRIPTS = ['preinstall', 'install', 'postinstall'] as const;

const require = createRequire(import.meta.url);
const execute = promisify(execFile);

/** Nothing of this run's own npm, whose settings its children would take over. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^npm_(config_ignore_scripts|package|lifecycle|command)/i.test(name)),
);

/** Packs into `folder` without a build before it. @returns the tarball's path */
export async function pack(folder: string): Promise<string> {
  await rm(join(ROOT, 'dist'), { recursive: true, force: true });
  const args = ['pack', '--json', '--pack-destination', folder];
  const { stdout, stderr } = await execute('npm', args, { cwd: ROOT, env: environment, maxBuffer: 2 ** 26 });
  const listAt = stdout.search(/^\[\s*\{/m);
  const ofTools = /^.*tsdown.*deprecat.*$/im.exec(stdout.slice(0, listAt) + stderr);
  if (ofTools) throw new Error(`npm pack: a tool of the build speaks to the user: ${ofTools[0]}`);
  const [packed] = JSON.parse(stdout.slice(listAt)) as {
    filename: string;
    size: number;
    files: { path: string }[];
  }[];
  if (!packed) throw new Error('npm pack made nothing');
  const paths = packed.files.map(({ path }) => path);
  const missing = REQUIRED.filter((path) => !paths.includes(path));
  const wrong = paths.filter((path) => FORBIDDEN.test(path));
  if (missing.length + wrong.length > 0)
    throw new Error(`the tarball lacks ${missing.join(', ') || 'nothing'} and should not hold ${wrong.join(', ')}`);
  if (packed.size > LARGEST) throw new Error(`the tarball has ${packed.size} bytes (at most ${LARGEST})`);
  process.stdout.write(`${packed.filename}: ${(packed.size / 1e6).toFixed(1)} MB, ${paths.length} files\n`);
  return join(folder, packed.filename);
}

/**
 * `npm install TARBALL` in an empty folder, as a user says it. Nothing but the registry is needed: no package of the
 * tree has a script that npm would run, and each came from the registry.
 */
export async function install(folder: string, tarball: string): Promise<void> {
  const { version } = require('@types/node/package.json') as { version: string };
  const npm = (...args: string[]) => execute('npm', args, { cwd: folder, env: environment });
  await npm('install', tarball);
  await npm('install', '--save-dev', `@types/node@${version}`);
  await npm('pkg', 'set', 'type=module');

  const found = await withScripts(join(folder, 'node_modules'));
  if (found.length > 0) throw new Error(`npm runs scripts of ${found.join(', ')} when the package is installed`);
  const registry = (await npm('config', 'get', 'registry')).stdout.trim();
  const lock = await readFile(join(folder, 'node_modules/.package-lock.json'), 'utf8');
  const { packages } = JSON.parse(lock) as { packages: Record<string, { resolved?: string }> };
  const elsewhere = Object.values(packages).filter(
    ({ resolved }) =>
      resolved && !resolved.startsWith(registry) && !/^(file:|https:\/\/registry\.npmjs\.org\/)/.test(resolved),
  );
  if (elsewhere.length > 0)
    throw new Error(`not from the registry: ${elsewhere.map(({ resolved }) => resolved).join(', ')}`);
}

/** Packages below a folder node_modules that npm would run something of, or build. */
async function withScripts(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (name.startsWith('.')) continue;
    if (name.startsWith('@')) {
      found.push(...(await withScripts(path)));
      continue;
    }
    const { scripts = {} } = JSON.parse(await readFile(join(path, 'package.json'), 'utf8')) as {
      scripts?: Record<string, string>;
    };
    if (SCRIPTS.some((script) => scripts[script]) || existsSync(join(path, 'binding.gyp'))) found.push(name);
    if (existsSync(join(path, 'node_modules'))) found.push(...(await withScripts(join(path, 'node_modules'))));
  }
  return found;
}

/**
 * The package as a stranger gets it: packed, installed into an empty folder, imported, its examples run, and
 * type-checked in a strict project. `npm run test:package`; it takes npm's cache where it can.
 */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const ROOT = join(import.meta.dirname, '../..');
/** Beside the build: the tarball holds these, and nothing that matches the second list. */
const REQUIRED = [
  ...['README.md', 'LICENSE', 'LICENSES/zstd.txt', 'CHANGELOG.md', 'docs/howto/use-as-a-library.md', 'dist/index.d.ts'],
  ...['dist/valet.js', 'policies/household/params.safetensors', 'bench/peers/plan.py', 'examples/plan.ts'],
];
const FORBIDDEN = /\.test\.|^src\/|^test\/|^interop\/|\.venv|__pycache__|node_modules/;
/** Bytes of the tarball; 11.6 MB of it are the policy. */
const LARGEST = 16e6;
/** Declarations of a dependency that are wrong in themselves; `skipLibCheck` hides them from who imports. */
const OTHERS_MISTAKE = /^node_modules\/@mujoco\/mujoco\/mujoco\.d\.ts.*'Arguments'/;
/** Lines that an example prints, at least one of them. */
const PRINTS: Readonly<Record<string, RegExp>> = {
  evaluate: /q [01]\.\d\d/,
  plan: /30 actions of 23 numbers/,
  robot: /a plan holds 112 numbers/,
  rule: /open-at-the-start/,
  serve: /5 replies/,
  statistics: /4 episodes at 30 Hz[\s\S]*frames, \d+ chunks/,
  task: /scene 2: q 1 /,
};

const require = createRequire(import.meta.url);
const execute = promisify(execFile);
const started = performance.now();

async function step<T>(what: string, work: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  const result = await work().catch((error: Error & { stdout?: string; stderr?: string }) => {
    process.stderr.write(`${what}: failed\n${error.stdout ?? ''}${error.stderr ?? ''}${error.message}\n`);
    throw error;
  });
  process.stdout.write(`${what} (${((performance.now() - begun) / 1000).toFixed(1)} s)\n`);
  return result;
}

async function pack(folder: string): Promise<string> {
  // .npmrc turns scripts off; packing needs its own, which builds.
  const args = ['pack', '--json', '--ignore-scripts=false', '--pack-destination', folder];
  const { stdout } = await execute('npm', args, { cwd: ROOT, maxBuffer: 2 ** 26 });
  const [packed] = JSON.parse(stdout.slice(stdout.search(/^\[\s*\{/m))) as {
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

async function install(folder: string, tarball: string): Promise<void> {
  const { version } = require('@types/node/package.json') as { version: string };
  await writeFile(join(folder, 'package.json'), '{ "name": "consumer", "private": true, "type": "module" }\n');
  const quiet = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', '--no-package-lock'];
  await execute('npm', ['install', ...quiet, tarball, `@types/node@${version}`], { cwd: folder });
}

/** Runs the installed examples, two at a time, with this repository's tsx and nothing else of it. */
async function runExamples(folder: string): Promise<void> {
  await cp(join(folder, 'node_modules/valet-vla/examples'), join(folder, 'examples'), { recursive: true });
  const names = (await readdir(join(folder, 'examples'))).map((file) => basename(file, '.ts'));
  const unknown = [...names, ...Object.keys(PRINTS)].filter((name) => !(name in PRINTS && names.includes(name)));
  if (unknown.length > 0) throw new Error(`what should ${unknown.join(', ')} print? Say so in PRINTS.`);
  const tsx = pathToFileURL(require.resolve('tsx')).href;
  const run = async (): Promise<void> => {
    for (let name = names.shift(); name !== undefined; name = names.shift()) {
      const file = `examples/${name}.ts`;
      await step(file, async () => {
        const { stdout } = await execute(process.execPath, ['--import', tsx, file], { cwd: folder, timeout: 120_000 });
        if (!PRINTS[name ?? '']?.test(stdout)) throw new Error(`${file} printed something else:\n${stdout}`);
      });
    }
  };
  await Promise.all([run(), run()]);
}

/** Every entry and the examples, strict, library declarations included, as Node and as bundlers resolve them. */
async function typecheck(folder: string): Promise<void> {
  const { exports } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { exports: object };
  const entries = Object.keys(exports).filter((path) => path !== './package.json');
  const lines = entries.map((path, i) => `export * as entry${i} from '${path.replace('.', 'valet-vla')}';`);
  await writeFile(join(folder, 'entries.ts'), `${lines.join('\n')}\n`);
  const strict = { strict: true, noUncheckedIndexedAccess: true, skipLibCheck: false, noEmit: true };
  for (const [module, moduleResolution] of [
    ['NodeNext', 'NodeNext'],
    ['ESNext', 'Bundler'],
  ]) {
    const compilerOptions = { ...strict, target: 'ES2023', lib: ['ES2023'], types: ['node'], module, moduleResolution };
    const file = join(folder, `tsconfig.${moduleResolution}.json`);
    await writeFile(file, JSON.stringify({ compilerOptions, files: ['entries.ts'], include: ['examples'] }));
    await step(`types, ${moduleResolution}`, async () => {
      const tsc = [require.resolve('typescript/lib/tsc.js'), '-p', file];
      const { stdout } = await execute(process.execPath, tsc, { cwd: folder }).catch((error) => {
        if (error.stdout) return error as { stdout: string };
        throw error;
      });
      const wrong = stdout.split('\n').filter((line) => line !== '' && !OTHERS_MISTAKE.test(line));
      if (wrong.length > 0) throw new Error(wrong.join('\n'));
    });
  }
}

async function runCommand(folder: string): Promise<void> {
  const valet = join(folder, 'node_modules/.bin/valet');
  const { stdout } = await execute(valet, ['--help'], { cwd: folder });
  if (!/Commands:[\s\S]*serve/.test(stdout)) throw new Error(`valet --help printed something else:\n${stdout}`);
  await execute(valet, ['home', 'tasks'], { cwd: folder });
}

const folder = await mkdtemp(join(tmpdir(), 'valet-package-'));
try {
  const tarball = await step('packed', () => pack(folder));
  await step('installed', () => install(folder, tarball));
  await step('entries', async () => {
    await cp(join(import.meta.dirname, 'consumer'), folder, { recursive: true });
    const { stdout } = await execute(process.execPath, ['entries.mjs'], { cwd: folder });
    process.stdout.write(stdout);
  });
  await step('command', () => runCommand(folder));
  await runExamples(folder);
  await typecheck(folder);
  process.stdout.write(`package: done in ${((performance.now() - started) / 1000).toFixed(0)} s\n`);
} finally {
  await rm(folder, { recursive: true, force: true });
}

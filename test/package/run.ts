/**
 * The package as a stranger gets it: packed, installed into an empty folder, imported, its examples run, its pages
 * looked up, and type-checked in a strict project. `npm run test:package [-- --into FOLDER]`; the folder is kept.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { install, pack } from './install.ts';
import { checkPages } from './pages.ts';
import { step } from './step.ts';

const ROOT = join(import.meta.dirname, '../..');
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

/** Runs the installed examples, two at a time, with this repository's tsx and nothing else of it. */
async function runExamples(folder: string): Promise<void> {
  await cp(join(folder, 'node_modules/valet-vla/examples'), join(folder, 'examples'), { recursive: true });
  const programs = (await readdir(join(folder, 'examples'))).filter((file) => file.endsWith('.ts'));
  const names = programs.map((file) => basename(file, '.ts'));
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

const { values } = parseArgs({ options: { into: { type: 'string' } } });
const folder = values.into ? resolve(values.into) : await mkdtemp(join(tmpdir(), 'valet-package-'));
try {
  await mkdir(folder, { recursive: true });
  const tarball = await step('packed', () => pack(folder));
  await step('installed', () => install(folder, tarball));
  await step('entries', async () => {
    await cp(join(import.meta.dirname, 'consumer'), folder, { recursive: true });
    const { stdout } = await execute(process.execPath, ['entries.mjs'], { cwd: folder });
    process.stdout.write(stdout);
  });
  await step('command', () => runCommand(folder));
  await step('pages', () => checkPages(folder));
  await runExamples(folder);
  await typecheck(folder);
  process.stdout.write(`package: done in ${((performance.now() - started) / 1000).toFixed(0)} s\n`);
} finally {
  if (!values.into) await rm(folder, { recursive: true, force: true });
}

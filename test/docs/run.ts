/**
 * Every command of README, CONTRIBUTING, docs/ and of every page of help, in a quick form: those of a user from the
 * packed tarball in an empty folder, those of a clone here. `npm run test:docs [-- --package FOLDER] [PAGE...]`; FOLDER
 * is one that `npm run test:package -- --into FOLDER` left. A command without a quick form, and without a reason not to
 * be run, fails (quickForms.ts).
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { install, pack } from '../package/install.ts';
import { commandsOf, type DocCommand, examplesOf } from './commands.ts';
import { Fixtures } from './fixtures.ts';
import { Names } from './names.ts';
import { PageRun, type Report } from './pageRun.ts';

const ROOT = join(import.meta.dirname, '../..');
const { values, positionals: wanted } = parseArgs({
  options: { package: { type: 'string' } },
  allowPositionals: true,
});
const started = performance.now();
const work = mkdtempSync(join(tmpdir(), 'valet-docs-'));
const counts = { passed: 0, failed: 0, skipped: 0 };

const report: Report = (outcome, { page, line, text }, detail = '') => {
  counts[outcome]++;
  const where = `${page}:${line}: ${text}`;
  if (outcome === 'failed') console.log(`FAIL ${where}\n${detail.replace(/^/gm, '     ')}`);
  else console.log(`${outcome === 'passed' ? 'pass' : 'skip'} ${where}${detail ? ` (${detail})` : ''}`);
};

try {
  const installed = values.package ? resolve(values.package) : join(work, 'installed');
  if (!values.package) {
    mkdirSync(installed);
    await install(installed, await pack(installed));
  }
  const environment = {
    ...process.env,
    PATH: `${join(installed, 'node_modules/.bin')}${delimiter}${process.env['PATH']}`,
    PACKAGE: join(installed, 'node_modules/valet-vla'),
  };
  const names = new Names(installed, environment);
  const shared = join(work, 'fixtures');
  mkdirSync(shared);
  const place = {
    root: ROOT,
    work,
    installed,
    environment,
    names,
    fixtures: new Fixtures(shared, environment),
    report,
  };

  const pages = [...documents(), ...(await helpPages(names))].filter(
    ([page]) => wanted.length === 0 || wanted.some((part) => page.includes(part)),
  );
  const worker = async (): Promise<void> => {
    for (let next = pages.shift(); next; next = pages.shift()) await new PageRun(place, ...next).run();
  };
  await Promise.all([worker(), worker(), worker()]);
} finally {
  rmSync(work, { recursive: true, force: true });
}
console.log(`docs: done in ${((performance.now() - started) / 1000).toFixed(0)} s`);
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exit(counts.failed > 0 || counts.passed === 0 ? 1 : 0);

function documents(): [string, DocCommand[]][] {
  const docs = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' });
  const paths = docs.map((path) => `docs/${path.replaceAll('\\', '/')}`).filter((path) => path.endsWith('.md'));
  return ['README.md', 'CONTRIBUTING.md', ...paths.sort()].map((page) => [
    page,
    commandsOf(page, readFileSync(join(ROOT, page), 'utf8')),
  ]);
}

/** The examples of every page of help; a sub-command's too. */
async function helpPages(names: Names): Promise<[string, DocCommand[]][]> {
  const pages = await Promise.all(
    (await names.children('')).map(async (name) => [
      name,
      ...(await names.children(name)).map((child) => `${name} ${child}`),
    ]),
  );
  return Promise.all(
    pages.flat().map(async (name): Promise<[string, DocCommand[]]> => {
      const page = `valet ${name} --help`;
      return [page, examplesOf(page, await names.help(name))];
    }),
  );
}

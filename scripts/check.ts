/**
 * The repository's own rules, which no tool knows: `npx tsx scripts/check.ts [NAME...]`, from the root.
 * Prints `file:line: text` for each finding; exit code 1 when there is one.
 */
import { readFileSync } from 'node:fs';
import { recursiveFolders } from './checkFolders.ts';
import { installScripts } from './checkInstallScripts.ts';
import { duplicateExports, fileNames } from './checkNames.ts';
import { checkRobotLiterals } from './checkRobotLiterals.ts';
import { largeClasses, largeFiles, longLines } from './checkSizes.ts';
import { type Finding, sources } from './sources.ts';

/** Kernels' sources are a language of their own. */
const isKernel = (path: string) => /^src\/kernels\/\w+\/assembly\//.test(path);
const OWN = sources(['src', 'bench', 'interop', 'test', 'scripts', 'examples'], /\.m?ts$/);
const PROGRAMS = sources(['src', 'bench', 'examples'], /\.(ts|mts|mjs|js|py|c|h)$/);

const CHECKS: Readonly<Record<string, { rule: string; find: () => Finding[] }>> = {
  robotLiterals: {
    rule: "outside src/robot/ no robot's name, width, rate or length",
    find: () => checkRobotLiterals(PROGRAMS),
  },
  duplicateExports: {
    rule: 'one meaning per exported name',
    find: () => duplicateExports(OWN.filter(({ path }) => !isKernel(path))),
  },
  fileNames: { rule: 'names of files in camelCase', find: () => fileNames(OWN.map(({ path }) => path)) },
  recursiveFolders: {
    rule: 'folders are made by makeFolder, which ends where none can be made',
    find: () => recursiveFolders(OWN.filter(({ path }) => path.startsWith('src/') && !isKernel(path))),
  },
  longLines: { rule: 'lines within 120 columns', find: () => longLines(OWN) },
  installScripts: {
    rule: 'no package needs its install script',
    find: () => installScripts({ path: 'package-lock.json', text: readFileSync('package-lock.json', 'utf8') }),
  },
  largeClasses: {
    rule: 'no class of the conversation over 200 lines',
    find: () => largeClasses(OWN.filter(({ path }) => /^src\/(control|serve|wire|evaluate)\//.test(path))),
  },
};

const names = process.argv.slice(2);
const unknown = names.find((name) => !(name in CHECKS));
if (unknown !== undefined) {
  console.error(`check: no check named '${unknown}' (there are: ${Object.keys(CHECKS).join(', ')}).`);
  process.exit(2);
}
for (const [name, { rule, find }] of Object.entries(CHECKS)) {
  if (names.length > 0 && !names.includes(name)) continue;
  const found = find();
  if (found.length === 0) continue;
  console.error(`${name}: ${found.length} findings against the rule: ${rule}`);
  for (const { path, line, text } of found) console.error(`${path}:${line}: ${text}`);
  process.exitCode = 1;
}
if (names.length === 0)
  for (const { path, text } of largeFiles(OWN)) console.error(`note: ${path} has ${text} Is it one idea?`);

/**
 * Builds dist/ as tsdown.config.ts says: `npx tsx scripts/build.ts [--dts]`, with declarations or without. The library
 * is called, not tsdown's command, whose first line is about Node's version.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const packageFile = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
const needed = (JSON.parse(packageFile) as { engines: { node: string } }).engines.node.replace(/^>=/, '');
const [[major = 0, minor = 0], [least = 0, leastMinor = 0]] = [process.version.slice(1), needed].map((version) =>
  version.split('.').map(Number),
) as [number[], number[]];
if (major < least || (major === least && minor < leastMinor)) {
  console.error(`valet: needs Node >= ${needed} (this is ${process.version}).`);
  process.exit(1);
}
const { values } = parseArgs({ options: { dts: { type: 'boolean', default: false } } });
const { build } = await import('tsdown');
const { COMMIT_FILE, sourceCommit } = await import('../src/base/codeVersion.ts');
await build({ dts: values.dts, logLevel: 'warn' });
writeFileSync(new URL(`../dist/${COMMIT_FILE}`, import.meta.url), `${sourceCommit()}\n`);

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const ENTRY = join(import.meta.dirname, 'entry.ts');
const { engines, version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  engines: { node: string };
  version: string;
};

/** What the entry does under a Node that says that it is `fake`. */
function under(fake: string) {
  const pretend = `Object.defineProperty(process, 'version', { value: '${fake}' });`;
  const args = [
    '--import',
    `data:text/javascript,${encodeURIComponent(pretend)}`,
    '--import',
    'tsx',
    ENTRY,
    '--version',
  ];
  return promisify(execFile)(process.execPath, args).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, stdout, stderr }),
  );
}

describe('the entry', () => {
  it.each(['v18.20.4', 'v20.18.3', 'v9.11.2'])('refuses %s in one line', async (fake) => {
    const least = engines.node.replace(/^>=/, '');
    const stderr = `valet: needs Node >= ${least} (this is ${fake}).\n`;
    expect(await under(fake)).toEqual({ code: 1, stdout: '', stderr });
  });

  it.each(['v20.19.0', 'v22.1.0', 'v100.0.0'])('goes on under %s', async (fake) => {
    expect(await under(fake)).toMatchObject({ code: 0, stdout: `${version}\n` });
  });

  it('is a plain script in the language of 2018, so that lowering it to that changes nothing', () => {
    const source = readFileSync(ENTRY, 'utf8');
    const file = ts.createSourceFile('entry.ts', source, ts.ScriptTarget.Latest);
    expect(ts.isExternalModule(file)).toBe(false);
    const lowered = (target: ts.ScriptTarget) => ts.transpile(source, { target, module: ts.ModuleKind.ESNext });
    expect(lowered(ts.ScriptTarget.ES2018)).toBe(lowered(ts.ScriptTarget.ESNext));
  });
});

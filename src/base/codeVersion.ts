import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot, packageVersion } from './packageRoot.ts';

/** Which code made a result. */
export interface CodeVersion {
  readonly version: string;
  /** The git commit, with `-dirty` behind it where files had been changed; `unknown` where nothing tells. */
  readonly commit: string;
}

/** What a build leaves in dist/, for a package that has no repository around it. */
export const COMMIT_FILE = 'commit.txt';

let found: CodeVersion | undefined;

/** The version of this package and the commit that it was built from, or that its sources are at. */
export function codeVersion(): CodeVersion {
  found ??= { version: packageVersion(), commit: isBuilt() ? builtCommit() : sourceCommit() };
  return found;
}

function isBuilt(): boolean {
  return relative(packageRoot(), fileURLToPath(import.meta.url)).startsWith('dist');
}

function builtCommit(): string {
  try {
    return readFileSync(join(packageRoot(), 'dist', COMMIT_FILE), 'utf8').trim() || 'unknown';
  } catch {
    return 'unknown';
  }
}

/** The commit of the repository that the sources lie in; `unknown` without git or a repository of this package. */
export function sourceCommit(): string {
  try {
    const git = (...words: string[]) =>
      execFileSync('git', ['-C', packageRoot(), ...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    // Inside the repository of somebody else the commit would be theirs.
    if (git('rev-parse', '--show-prefix').trim() !== '') return 'unknown';
    return git('describe', '--always', '--dirty', '--abbrev=40', '--exclude=*').trim() || 'unknown';
  } catch {
    return 'unknown';
  }
}

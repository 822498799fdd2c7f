import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ValetError } from './errors.ts';

/** The name under which this package is published. */
const NAME = 'valet-vla';

interface PackageFile {
  readonly name?: string;
  readonly version?: string;
}

let found: { readonly folder: string; readonly version: string } | undefined;

/** Looks upwards from this file: the package's root lies above src/ as well as above dist/. */
function find(): { readonly folder: string; readonly version: string } {
  const here = dirname(fileURLToPath(import.meta.url));
  for (let folder = here; ; folder = dirname(folder)) {
    const path = join(folder, 'package.json');
    if (existsSync(path)) {
      const { name, version = 'unknown' } = JSON.parse(readFileSync(path, 'utf8')) as PackageFile;
      if (name === NAME) return { folder, version };
    }
    if (dirname(folder) === folder) break;
  }
  throw new ValetError(
    NAME,
    `its own package.json is in no folder above ${here}. A bundler must leave this package as it is ` +
      '(mark it external).',
  );
}

/**
 * The folder of this package. What it reads while it runs lies below: workers (dist/workers), policies, docs.
 * @throws ValetError when a bundler copied the code elsewhere
 */
export function packageRoot(): string {
  found ??= find();
  return found.folder;
}

/** The version of this package. */
export function packageVersion(): string {
  found ??= find();
  return found.version;
}

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../base/index.ts';

/** The folder of the policy that comes with the package, by its name; any other name is a folder of the caller's. */
export function checkpointFolder(name: string): string {
  if (!/^[a-z][a-z0-9_-]*$/.test(name) || existsSync(name)) return name;
  const shipped = join(packageRoot(), 'policies', name);
  return existsSync(join(shipped, 'config.json')) ? shipped : name;
}

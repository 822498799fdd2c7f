import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the policy that comes with the package, by its name; any other name is a folder of the caller's. */
export function checkpointFolder(name: string): string {
  if (!/^[a-z][a-z0-9_-]*$/.test(name) || existsSync(name)) return name;
  // The package's root lies above src/serve/ as well as above dist/.
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const candidate = join(folder, 'policies', name);
    if (existsSync(join(candidate, 'config.json'))) return candidate;
    if (existsSync(join(folder, 'package.json')) || dirname(folder) === folder) return name;
  }
}

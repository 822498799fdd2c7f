import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

/** Pages about the repository's inside, which only a clone has. */
const CLONE_ONLY =
  /^(\.\.\/)*(src|test|interop|scripts|bench|\.ci|\.dependency-cruiser\.cjs|package\.json|\.\.\/shared)(\/|$)/;

/**
 * What the installed README, its pages, help and messages point at is in the package.
 * @throws Error that lists what is not
 */
export async function checkPages(folder: string): Promise<void> {
  const root = join(folder, 'node_modules/valet-vla');
  const missing: string[] = [];
  const pages = (await readdir(root, { recursive: true })).filter(
    (path) => path.endsWith('.md') && !path.includes('node_modules'),
  );
  for (const page of pages) {
    const text = (await readFile(join(root, page), 'utf8')).replaceAll(/^```[\s\S]*?^```/gm, '');
    for (const [, link = ''] of text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (/^\w+:/.test(link)) continue;
      const target = relative(root, join(root, dirname(page), link));
      if (!CLONE_ONLY.test(target) && !existsSync(join(root, target))) missing.push(`${page}: ${link}`);
    }
  }
  // Help and messages are texts of the program.
  for (const chunk of (await readdir(join(root, 'dist/chunks'))).filter((name) => name.endsWith('.js'))) {
    const text = await readFile(join(root, 'dist/chunks', chunk), 'utf8');
    for (const [path] of text.matchAll(/(?<![\w/])(?:(?:docs|LICENSES)\/[\w./-]*\.(?:md|txt)|examples\/\w+\.ts)/g))
      if (!existsSync(join(root, path))) missing.push(`dist/chunks/${chunk}: ${path}`);
  }
  if (missing.length > 0) throw new Error(`the package lacks what its pages point at:\n${missing.join('\n')}`);
}

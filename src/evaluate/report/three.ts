import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

/**
 * three.js as the page carries it: gzipped modules in base64, in the order in which they are loaded, with the names by
 * which they import one another.
 */
export interface EmbeddedModule {
  readonly specifier: string;
  readonly data: string;
}

/** Reads three.js and its orbit controls from the installed package. */
export async function embeddedThree(): Promise<EmbeddedModule[]> {
  const require = createRequire(import.meta.url);
  const build = dirname(require.resolve('three'));
  const files: [string, string][] = [
    ['./three.core.js', join(build, 'three.core.js')],
    ['three', join(build, 'three.module.js')],
    ['orbit', require.resolve('three/addons/controls/OrbitControls.js')],
  ];
  return Promise.all(
    files.map(async ([specifier, path]) => {
      // Comments are a third of the files; only the licence stays.
      const source = (await readFile(path, 'utf8')).replace(/^[ \t]*\/\*\*[\s\S]*?\*\/[ \t]*\n/gm, (comment) =>
        comment.includes('@license') ? comment : '',
      );
      return { specifier, data: gzipSync(source, { level: 9 }).toString('base64') };
    }),
  );
}

import { type Finding, isTest, type Source } from './sources.ts';

/** Node's recursive mkdir never ends in some places; `makeFolder` of src/base does. */
const ENDLESS = /\bmkdir(Sync)?\([^\n]*recursive: true/;

/** Calls of the recursive mkdir in programs; tests make their folders where they know that they can. */
export function recursiveFolders(files: readonly Source[]): Finding[] {
  return files
    .filter(({ path }) => !isTest(path))
    .flatMap(({ path, text }) =>
      text
        .split('\n')
        .flatMap((line, index) => (ENDLESS.test(line) ? [{ path, line: index + 1, text: line.trim() }] : [])),
    );
}

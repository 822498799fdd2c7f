import { expect, it } from 'vitest';
import { duplicateExports, exportsOf, fileNames } from './checkNames.ts';

const source = (path: string, text: string) => ({ path, text });

it('knows what a file declares and exports itself', () => {
  const text = `
    import { handedOn } from './other.ts';
    export { handedOn };
    export { elsewhere } from './other.ts';
    const inner = 1;
    export { inner as outer };
    export const [first, { second }] = value;
    export function twice(x: string): void;
    export function twice(x: number): void;
    export type Size = number;
    export const Size = 1;
    export default class Nameless {}
    class Hidden {}
    export interface Shown {}`;
  expect(exportsOf(source('src/a.ts', text)).map(({ name }) => name)).toEqual([
    'outer',
    'first',
    'second',
    'twice',
    'Size',
    'Nameless',
    'Shown',
  ]);
});

it('finds a name that two files declare, and not one that they hand on', () => {
  const found = duplicateExports([
    source('src/a/size.ts', 'export const size = 1;'),
    source('src/a/index.ts', "export { size } from './size.ts';"),
    source('src/b/size.ts', '\nexport function size() {}'),
    source('src/b/size.test.ts', 'export const size = 3;'),
    source('src/cli/one.ts', 'export function command() {}'),
    source('src/cli/two.ts', 'export function command() {}'),
    source('src/tensor/ops/reduce.ts', 'export function mean() {}'),
    source('src/evaluate/mean.ts', 'export function mean() {}'),
  ]);
  expect(found).toEqual([
    { path: 'src/b/size.ts', line: 2, text: expect.stringContaining("'size' is exported by src/a/size.ts:1, too.") },
  ]);
});

it('wants camelCase for files, and for folders of src/', () => {
  const good = [
    'src/a/fastTokenizer.ts',
    'src/a/decode.worker.ts',
    'src/index.ts',
    'test/x.golden.test.ts',
    'vitest.config.ts',
  ];
  expect(fileNames(good)).toEqual([]);
  const bad = [
    'src/a/fast-tokenizer.ts',
    'src/a/FastTokenizer.ts',
    'src/a/fast_tokenizer.test.ts',
    'src/fast-idea/index.ts',
  ];
  expect(fileNames(bad).map(({ path }) => path)).toEqual(bad);
});

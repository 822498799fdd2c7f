import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { anchorsOf, checkRepository, findReferences, problemOf, slug } from './checkReferences.ts';

describe('slug', () => {
  it.each([
    ['Token sequence', 'token-sequence'],
    ['The evaluator of 2026', 'the-evaluator-of-2026'],
    ['`valet verify`: the numbers', 'valet-verify-the-numbers'],
    ['Gradients of weights, `dW = xᵀ·dy`', 'gradients-of-weights-dw--xᵀdy'],
    ["Where Valet's way & theirs differ", 'where-valets-way--theirs-differ'],
    ['See [the facts](facts.md#rules)', 'see-the-facts'],
    ['Übung_1 – zwei', 'übung_1--zwei'],
  ])('%s', (heading, expected) => {
    expect(slug(heading)).toBe(expected);
  });
});

describe('anchorsOf', () => {
  it('numbers repeated headings, takes HTML ids, passes over code', () => {
    const page = '# One\n## Two\n```sh\n# no heading\n```\n## Two ##\n<a id="three"></a>\n####### no\n#no';
    expect([...anchorsOf(page)]).toEqual(['one', 'two', 'two-1', 'three']);
  });

  it('a fence ends with one as long as itself', () => {
    expect([...anchorsOf('````\n```\n# inside\n````\n# outside')]).toEqual(['outside']);
  });
});

describe('findReferences', () => {
  it('pages in comments, with and without anchor', () => {
    expect(findReferences('// one (docs/facts.md#actions).\n/** docs/lab/speed.md, 3 */', 'src/x.ts')).toEqual([
      { line: 1, kind: 'page', path: 'docs/facts.md', anchor: 'actions' },
      { line: 2, kind: 'page', path: 'docs/lab/speed.md' },
    ]);
  });

  it('not in addresses and longer paths', () => {
    expect(findReferences('https://example.org/docs/x.md ../docs/y.md other/docs/z.md', 'src/x.ts')).toEqual([]);
  });

  it('links and pictures of a page, also within a link, once each', () => {
    const page = [
      '[a](docs/facts.md#rules) ![b](b.png "title") [c](https://example.org/x.md) [d](#here)',
      '[![e](e.svg)](LICENSE)',
      '`[code](none.md)`',
      '[f]: ../src',
    ].join('\n');
    expect(findReferences(page, 'README.md').map(({ line, kind, path, anchor }) => [line, kind, path, anchor])).toEqual(
      [
        [1, 'link', 'docs/facts.md', 'rules'],
        [1, 'link', 'b.png', undefined],
        [1, 'link', '', 'here'],
        [2, 'link', 'e.svg', undefined],
        [2, 'link', 'LICENSE', undefined],
        [4, 'link', '../src', undefined],
      ],
    );
  });

  it('papers that are not here, also in code', () => {
    const text = 'FACTS 8.2\nSIM.md rule 4\n(ENGINE.md)\n(CONTRACT, evaluation folder)\nverify ../shared/golden/x';
    expect(findReferences(text, 'src/x.ts').map(({ line, kind }) => [line, kind])).toEqual(
      [1, 2, 3, 4, 5].map((line) => [line, 'foreign']),
    );
    expect(findReferences("import './shared/numbers.ts'; // facts, a contract, SIMD\nFACTS are facts", 'x.ts')).toEqual(
      [],
    );
  });
});

describe('problemOf', () => {
  const root = mkdtempSync(join(tmpdir(), 'references-'));
  afterAll(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'docs'));
  writeFileSync(join(root, 'docs/a.md'), '# A\n## Two words\n');
  const from = join(root, 'docs/a.md');
  const problem = (kind: 'link' | 'page', path: string, anchor?: string) =>
    problemOf({ line: 1, kind, path, ...(anchor && { anchor }) }, from, root);

  it('what resolves is no problem', () => {
    expect(problem('page', 'docs/a.md', 'two-words')).toBeUndefined();
    expect(problem('link', 'a.md', 'a')).toBeUndefined();
    expect(problem('link', '', 'two-words')).toBeUndefined();
    expect(problem('link', '../docs')).toBeUndefined();
  });

  it('says what is wrong', () => {
    expect(problem('page', 'docs/b.md')).toBe('docs/b.md does not exist');
    expect(problem('page', 'docs/a.md', 'three')).toContain('has no heading #three (there are #a #two-words)');
    expect(problem('link', '', 'three')).toContain('docs/a.md has no heading');
    expect(problem('link', '../../elsewhere')).toContain('outside the repository');
    expect(problemOf({ line: 1, kind: 'foreign', path: 'FACTS 3' }, from, root)).toContain('not in the repository');
  });
});

it('the repository has no broken reference', () => {
  expect(checkRepository(resolve(import.meta.dirname, '..'))).toEqual([]);
});

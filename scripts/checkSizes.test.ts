import { expect, it } from 'vitest';
import { largeClasses, largeFiles, longLines } from './checkSizes.ts';

it('finds lines of more than 120 columns, counting characters', () => {
  const text = ['x'.repeat(120), '°'.repeat(120), '𝒳'.repeat(120), `a ${'x'.repeat(119)}`].join('\n');
  expect(longLines([{ path: 'src/a.ts', text }])).toEqual([
    { path: 'src/a.ts', line: 4, text: expect.stringContaining('121 columns') },
  ]);
});

it('lets a long address in a comment pass, not a long sentence', () => {
  const address = `https://example.org/${'x'.repeat(120)}`;
  const text = [`// ${address}`, ` * ${address}`, `// see ${address}`].join('\n');
  expect(longLines([{ path: 'src/a.ts', text }]).map(({ line }) => line)).toEqual([3]);
});

it('finds large classes and large files', () => {
  const classOf = (lines: number) =>
    `/** Says what it is. */\nexport class Big {\n${'  x = 1;\n'.repeat(lines - 2)}}\n`;
  const files = [
    { path: 'src/a.ts', text: classOf(200) },
    { path: 'src/b.ts', text: classOf(201) },
    { path: 'src/c.ts', text: 'x\n'.repeat(401) },
    { path: 'src/b.test.ts', text: classOf(400) },
  ];
  expect(largeClasses(files)).toEqual([{ path: 'src/b.ts', line: 2, text: expect.stringContaining('201 lines') }]);
  expect(largeFiles(files).map(({ path }) => path)).toEqual(['src/c.ts', 'src/b.test.ts']);
});

import { expect, it } from 'vitest';
import { recursiveFolders } from './checkFolders.ts';

it('the recursive mkdir is found outside tests', () => {
  const text = "await makeFolder(a);\nawait mkdir(a);\nawait mkdir(join(a, 'b'), { recursive: true });\n";
  expect(recursiveFolders([{ path: 'src/a.ts', text }])).toEqual([
    { path: 'src/a.ts', line: 3, text: "await mkdir(join(a, 'b'), { recursive: true });" },
  ]);
  expect(recursiveFolders([{ path: 'src/a.test.ts', text }])).toEqual([]);
});

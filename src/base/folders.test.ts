import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeFileAside, writeFolderAside } from './files.ts';
import { makeFolder, requireOutput } from './folders.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-folders-'));
  await writeFile(join(folder, 'file'), '');
  await mkdir(join(folder, 'full/of'), { recursive: true });
  await mkdir(join(folder, 'empty'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('makeFolder', () => {
  it('makes what is missing, also when many do at once', async () => {
    await Promise.all(Array.from({ length: 8 }, () => makeFolder(join(folder, 'a/b/c'))));
    expect(await readdir(join(folder, 'a/b'))).toEqual(['c']);
    await expect(makeFolder(join(folder, 'file/x'))).rejects.toThrow(/file: is a file \(expected a folder\)/);
    await expect(makeFolder(join(folder, 'file'))).rejects.toMatchObject({ kind: 'input' });
  });

  // Node's recursive mkdir turns in a circle there for ever.
  it.skipIf(!existsSync('/proc/self'))('ends where no folder can be made', async () => {
    const refused = { kind: 'input', message: expect.stringMatching(/^\/proc: takes no new files or folders/) };
    await expect(makeFolder('/proc/none/x')).rejects.toMatchObject(refused);
    await expect(writeFileAside('/proc/none/x', 'x')).rejects.toMatchObject({ kind: 'input' });
    await expect(writeFolderAside('/proc/none/x', async () => {})).rejects.toMatchObject({ kind: 'input' });
    await expect(requireOutput('/proc/none/x', { kind: 'folder' })).rejects.toMatchObject(refused);
  });
});

describe('requireOutput', () => {
  it('takes what can be written, and leaves nothing behind', async () => {
    const before = await readdir(folder, { recursive: true });
    await requireOutput(join(folder, 'new/file.png'), { kind: 'file' });
    await requireOutput(join(folder, 'file'), { kind: 'file' });
    await requireOutput(join(folder, 'full'), { kind: 'folder' });
    await requireOutput(join(folder, 'empty'), { kind: 'folder', fresh: 'No.' });
    expect(await readdir(folder, { recursive: true })).toEqual(before);
  });

  it.each([
    ['file/x.png', 'file', /file: is a file/],
    ['full', 'file', /full: is a folder \(expected a file\)/],
    ['file', 'folder', /file: is a file/],
    ['full', 'folder', /full: exists already\. Choose another\./],
    [`${'x'.repeat(300)}`, 'folder', /too long/],
  ] as const)('refuses %s as a %s', async (name, kind, message) => {
    const wish = requireOutput(join(folder, name), { kind, fresh: 'Choose another.' });
    await expect(wish).rejects.toMatchObject({ kind: 'input', message: expect.stringMatching(message) });
    await expect(requireOutput('', { kind })).rejects.toThrow(/has no name/);
  });
});

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { InputError, nearest, systemError } from './errors.ts';
import { writeFileAside, writeFolderAside } from './files.ts';
import { packageRoot, packageVersion } from './packageRoot.ts';
import { parse, readJson } from './parse.ts';
import { duration } from './progress.ts';
import { Random } from './random.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-base-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('Random', () => {
  it('gives the same numbers for the same seed and others for another', () => {
    const draw = (...seed: (string | number)[]) =>
      Array.from(
        { length: 5 },
        (
          (r) => () =>
            r.bits()
        )(Random.of(...seed)),
      );
    expect(draw(1, 'a')).toEqual(draw(1, 'a'));
    expect(draw(1, 'a')).not.toEqual(draw(1, 'b'));
    expect(draw('1', 'a')).toEqual(draw(1, 'a'));
  });

  it('goes on from a saved state, the spare normal included', () => {
    const random = Random.of(7);
    for (let i = 0; i < 9; i++) random.normal();
    const copy = Random.restore(JSON.parse(JSON.stringify(random.state())));
    for (let i = 0; i < 20; i++) expect(copy.normal()).toBe(random.normal());
  });

  it('has the moments of the distributions it names', () => {
    const random = Random.of('moments');
    const n = 200_000;
    const moments = (draw: () => number) => {
      let [sum, square] = [0, 0];
      for (let i = 0; i < n; i++) {
        const x = draw();
        sum += x;
        square += x * x;
      }
      return [sum / n, square / n - (sum / n) ** 2] as const;
    };
    const close = ([mean, variance]: readonly [number, number], m: number, v: number) => {
      expect(Math.abs(mean - m)).toBeLessThan(5 * Math.sqrt(v / n));
      expect(Math.abs(variance / v - 1)).toBeLessThan(0.03);
    };
    close(
      moments(() => random.uniform()),
      0.5,
      1 / 12,
    );
    close(
      moments(() => random.normal()),
      0,
      1,
    );
    close(
      moments(() => random.beta(1.5, 1)),
      0.6,
      (1.5 * 1) / (2.5 ** 2 * 3.5),
    );
    close(
      moments(() => random.gamma(0.5)),
      0.5,
      0.5,
    );
    close(
      moments(() => random.integer(10)),
      4.5,
      99 / 12,
    );
  });
});

describe('files aside', () => {
  it('leaves nothing behind when filling fails', async () => {
    const path = join(folder, 'out');
    await expect(
      writeFolderAside(path, async (at) => {
        await writeFile(join(at, 'x'), '1');
        throw new Error('stop');
      }),
    ).rejects.toThrow('stop');
    expect(await readdir(folder)).toEqual([]);
  });

  it('replaces a folder only when told to', async () => {
    const path = join(folder, 'out');
    const fill = (text: string) => (at: string) => writeFile(join(at, 'x'), text);
    await writeFolderAside(path, fill('1'));
    await expect(writeFolderAside(path, fill('2'))).rejects.toThrow(InputError);
    expect(await readFile(join(path, 'x'), 'utf8')).toBe('1');
    await writeFolderAside(path, fill('3'), { replace: true });
    expect(await readFile(join(path, 'x'), 'utf8')).toBe('3');
    expect(await readdir(folder)).toEqual(['out']);
  });

  it('writes files whole', async () => {
    await writeFileAside(join(folder, 'deep', 'a.bin'), [new Uint8Array([1]), new Uint8Array([2, 3])]);
    expect([...(await readFile(join(folder, 'deep', 'a.bin')))]).toEqual([1, 2, 3]);
  });
});

describe('the door', () => {
  it('names the field and the file', async () => {
    const schema = z.object({ steps: z.number() });
    expect(() => parse('config', schema, { steps: 'many' })).toThrow(/^config: steps: /);
    await expect(readJson(join(folder, 'none.json'), schema)).rejects.toThrow(/none\.json: cannot be read \(ENOENT\)/);
    await writeFile(join(folder, 'bad.json'), '{');
    await expect(readJson(join(folder, 'bad.json'), schema)).rejects.toThrow(/not valid JSON/);
  });

  it('suggests the nearest name', () => {
    expect(nearest('evla', ['eval', 'train'])).toBe('eval');
    expect(nearest('zzz', ['eval', 'train'])).toBeUndefined();
  });

  it('says times as a person does', () => {
    expect([duration(42), duration(185), duration(7800)]).toEqual(['42 s', '3 min 5 s', '2 h 10 min']);
  });
});

describe('systemError', () => {
  it('says what the operating system refuses, by the path that the user knows', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    const below = join(file, 'out');
    await expect(writeFolderAside(below, async () => undefined)).rejects.toMatchObject({
      kind: 'input',
      message: `${file}: is a file (expected a folder). Check the path.`,
    });
    const full = Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', syscall: 'write' });
    await expect(writeFolderAside(`${file}-2`, () => Promise.reject(full))).rejects.toMatchObject({
      kind: 'failure',
      message: expect.stringMatching(/file-2: the disk is full\..* free some space/),
    });
    expect(systemError(new Error('other'))).toBeUndefined();
    await expect(writeFolderAside('', async () => undefined)).rejects.toThrow('has no name');
  });

  it('keeps errors that quote files on one line', async () => {
    const file = join(folder, 'text.json');
    await writeFile(file, 'hello\n');
    await expect(readJson(file, z.unknown())).rejects.toThrow(/^[^\n]*$/);
  });
});

describe('packageRoot', () => {
  it('is the folder of this package, whatever the process works in', async () => {
    const { name, version } = JSON.parse(await readFile(join(packageRoot(), 'package.json'), 'utf8'));
    expect(name).toBe('valet-vla');
    expect(packageVersion()).toBe(version);
    expect(await readdir(packageRoot())).toContain('policies');
  });
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ASSEMBLY_KERNELS, compileAssembly } from '../../scripts/kernels/assembly.ts';
import { currentChecksums, storedChecksums } from '../../scripts/kernels/checksums.ts';
import { compileZstd } from '../../scripts/kernels/zstd.ts';
import { KERNELS, kernelBytes } from './kernelBytes.ts';

describe('the modules', () => {
  it.each(ASSEMBLY_KERNELS)('%s.wasm is what its source compiles to', async (name) => {
    expect(Buffer.compare(await compileAssembly(name), kernelBytes(name))).toBe(0);
  });

  it('have the checksums, and come from the sources, that checksums.json says', () => {
    expect(Object.keys(storedChecksums())).toEqual([...KERNELS]);
    // Otherwise: npm run build:kernels
    expect(currentChecksums()).toEqual(storedChecksums());
  });
});

it('the build of the zstd decoder refuses another source', () => {
  const folder = mkdtempSync(join(tmpdir(), 'valet-zstd-'));
  try {
    for (const name of ['common', 'decompress']) mkdirSync(join(folder, name));
    for (const name of ['zstd.h', 'zstd_errors.h']) writeFileSync(join(folder, name), '');
    expect(() => compileZstd(folder)).toThrow(/is not lib\/ of zstd 1\.5\.7 \(SHA-256 /);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe('kernelBytes', () => {
  it('finds a module beside a bundle and beside the folder of its workers, and says where it looked', () => {
    const folder = mkdtempSync(join(tmpdir(), 'valet-kernels-'));
    try {
      const from = (path: string) => pathToFileURL(join(folder, path)).href;
      expect(() => kernelBytes('adamw', from('valet.js'))).toThrow(
        /^kernels: adamw\.wasm is missing \(looked for .*kernels/,
      );
      mkdirSync(join(folder, 'kernels'));
      writeFileSync(join(folder, 'kernels/adamw.wasm'), 'module');
      for (const bundle of ['valet.js', 'workers/train-trainer.worker.js'])
        expect(Buffer.from(kernelBytes('adamw', from(bundle))).toString()).toBe('module');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

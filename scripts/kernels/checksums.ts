import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ASSEMBLY_KERNELS, assemblySources } from './assembly.ts';
import { KERNELS_FOLDER } from './folders.ts';
import { ZSTD_SOURCE_SHA256, ZSTD_SOURCES } from './zstd.ts';

/** SHA-256 of a module and of each source that made it, by path below src/kernels/. */
export interface KernelChecksums {
  readonly wasm: string;
  readonly sources: Readonly<Record<string, string>>;
}
export type Checksums = Readonly<Record<string, KernelChecksums>>;

export const CHECKSUMS_FILE = join(KERNELS_FOLDER, 'checksums.json');

const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

const ofFiles = (files: readonly string[]): Record<string, string> =>
  Object.fromEntries(files.map((file) => [file, sha256(readFileSync(join(KERNELS_FOLDER, file)))]));

/** The sources of every kernel as they are now. */
export function sourceChecksums(): Record<string, Record<string, string>> {
  const assembly = ASSEMBLY_KERNELS.map((name) => [name, ofFiles(assemblySources(name))] as const);
  const zstd = { ...ofFiles(ZSTD_SOURCES), 'zstd 1.5.7, lib/': ZSTD_SOURCE_SHA256 };
  return Object.fromEntries([...assembly, ['zstd', zstd]]);
}

/** What checksums.json should say for the files as they are now. */
export function currentChecksums(): Checksums {
  return Object.fromEntries(
    Object.entries(sourceChecksums()).map(([name, sources]) => [
      name,
      { wasm: sha256(readFileSync(join(KERNELS_FOLDER, name, `${name}.wasm`))), sources },
    ]),
  );
}

/** What checksums.json says; nothing where there is none. */
export function storedChecksums(): Checksums {
  try {
    return JSON.parse(readFileSync(CHECKSUMS_FILE, 'utf8')) as Checksums;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw error;
  }
}

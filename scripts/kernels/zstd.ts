import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { KERNELS_FOLDER } from './folders.ts';

/** What is Valet's own in the zstd kernel, below src/kernels/. */
export const ZSTD_SOURCES = ['zstd/decoder.c', 'zstd/zstd-1.5.7.patch'] as const;
/** `sourceSha256` of the folder lib/ of zstd 1.5.7 (https://github.com/facebook/zstd/releases/tag/v1.5.7). */
export const ZSTD_SOURCE_SHA256 = 'eaeb59aa02168d22dfba75368c1bb9e431590901bbbb1b4c5d6752347c7246c7';

/** The decoder needs a C library in name only. */
const HEADERS = {
  'assert.h': '#define assert(x)\n',
  'stdio.h': '',
  'stdlib.h': '#include <stddef.h>\nvoid* malloc(size_t); void* calloc(size_t,size_t); void free(void*);\n',
  'string.h':
    '#include <stddef.h>\nvoid *memcpy(void*,const void*,size_t); void *memmove(void*,const void*,size_t); ' +
    'void *memset(void*,int,size_t);\n',
};
const COMMON = ['debug', 'entropy_common', 'error_private', 'fse_decompress', 'xxhash', 'zstd_common'];
const FLAGS = [
  ...['--target=wasm32', '-O3', '-nostdlib', '-Ishim', '-Isrc', '-Isrc/common', '-mbulk-memory', '-Wno-everything'],
  ...['-DZSTD_DISABLE_ASM', '-DZSTD_NO_INTRINSICS', '-DZSTD_LEGACY_SUPPORT=0', '-DNDEBUG'],
  ...['-Wl,--no-entry', '-Wl,-z,stack-size=65536', '-Wl,--strip-all'],
];

/** Names of the files of zstd's lib/ that the decoder is made of. */
function sourceFiles(library: string): string[] {
  const below = (folder: string) => readdirSync(join(library, folder)).map((file) => `${folder}/${file}`);
  const code = [...below('common'), ...below('decompress')].filter((file) => /\.[ch]$/.test(file));
  return ['zstd.h', 'zstd_errors.h', ...code].sort();
}

/** SHA-256 over names and contents of those files. */
function sourceSha256(library: string): string {
  const hash = createHash('sha256');
  for (const file of sourceFiles(library)) hash.update(`${file}\n`).update(readFileSync(join(library, file)));
  return hash.digest('hex');
}

/**
 * Compiles the decoder from zstd's folder lib/; needs clang, wasm-ld and patch. zstd takes 32-bit targets for slow
 * ones and reads bits in 32-bit words there. WebAssembly has 64-bit registers, so the patch switches the bit
 * reader to them: 3 to 4 times faster (docs/checkpoints.md).
 * @throws Error for another source, or where the patch does not apply to the letter
 */
export function compileZstd(library: string): Uint8Array {
  const found = sourceSha256(library);
  if (found !== ZSTD_SOURCE_SHA256)
    throw new Error(`${library} is not lib/ of zstd 1.5.7 (SHA-256 ${found}, expected ${ZSTD_SOURCE_SHA256}).`);
  const work = mkdtempSync(join(tmpdir(), 'valet-zstd-'));
  try {
    for (const file of sourceFiles(library)) cpSync(join(library, file), join(work, 'src', file));
    mkdirSync(join(work, 'shim'));
    for (const [file, text] of Object.entries(HEADERS)) writeFileSync(join(work, 'shim', file), text);
    const patch = join(KERNELS_FOLDER, 'zstd/zstd-1.5.7.patch');
    execFileSync('patch', ['-p1', '--fuzz=0', '--force', '--directory', join(work, 'src'), '--input', patch]);
    const decoder = readdirSync(join(work, 'src/decompress'))
      .filter((file) => file.endsWith('.c'))
      .sort();
    const sources = [
      ...COMMON.map((file) => `src/common/${file}.c`),
      ...decoder.map((file) => `src/decompress/${file}`),
    ];
    cpSync(join(KERNELS_FOLDER, 'zstd/decoder.c'), join(work, 'decoder.c'));
    execFileSync('clang', [...FLAGS, '-o', 'zstd.wasm', 'decoder.c', ...sources], { cwd: work, env: systemPath() });
    return readFileSync(join(work, 'zstd.wasm'));
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Without the programs of npm packages: clang would let the wasm-opt of AssemblyScript change what it made. */
function systemPath(): NodeJS.ProcessEnv {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  return { ...process.env, PATH: folders.join(delimiter) };
}

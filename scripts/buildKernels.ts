/**
 * Builds the WebAssembly modules of src/kernels/ whose sources changed, and writes checksums.json:
 *   npm run build:kernels [-- --all] [-- --zstd LIB]
 * LIB is the folder lib/ of zstd's source; without it a changed zstd decoder is an error.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual, parseArgs } from 'node:util';
import { ASSEMBLY_KERNELS, compileAssembly } from './kernels/assembly.ts';
import { CHECKSUMS_FILE, currentChecksums, sourceChecksums, storedChecksums } from './kernels/checksums.ts';
import { KERNELS_FOLDER } from './kernels/folders.ts';
import { compileZstd } from './kernels/zstd.ts';

const { values } = parseArgs({ options: { all: { type: 'boolean' }, zstd: { type: 'string' } } });
const [sources, stored] = [sourceChecksums(), storedChecksums()];
const changed = (name: string): boolean => !isDeepStrictEqual(sources[name], stored[name]?.sources);
const write = (name: string, module: Uint8Array): void => {
  writeFileSync(join(KERNELS_FOLDER, name, `${name}.wasm`), module);
  console.log(`${name}.wasm: ${module.length} bytes`);
};

for (const name of ASSEMBLY_KERNELS) if (values.all || changed(name)) write(name, await compileAssembly(name));
if (values.zstd) write('zstd', compileZstd(values.zstd));
else if (changed('zstd'))
  throw new Error('The zstd decoder changed. Unpack zstd 1.5.7 and give its lib/ folder: --zstd zstd-1.5.7/lib');

writeFileSync(CHECKSUMS_FILE, `${JSON.stringify(currentChecksums(), null, 2)}\n`);

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import asc from 'assemblyscript/asc';
import { KERNELS_FOLDER } from './folders.ts';

/** The kernels in AssemblyScript. */
export const ASSEMBLY_KERNELS = ['adamw', 'statistics', 'pages', 'pictures', 'mask'] as const;
export type AssemblyKernel = (typeof ASSEMBLY_KERNELS)[number];

/** No runtime, no exports but the kernel's own, memory from outside, vectors. */
const OPTIONS = [
  ...['-O3', '--converge', '--noAssert', '--runtime', 'stub', '--use', 'abort='],
  ...['--importMemory', '--initialMemory', '1', '--enable', 'simd,bulk-memory'],
];

/** Source files of a kernel, relative to the folder of kernels. */
export function assemblySources(name: AssemblyKernel): string[] {
  return readdirSync(join(KERNELS_FOLDER, name, 'assembly'))
    .filter((file) => file.endsWith('.ts'))
    .sort()
    .map((file) => `${name}/assembly/${file}`);
}

/** Compiles a kernel. @throws Error with the compiler's messages, warnings included */
export async function compileAssembly(name: AssemblyKernel): Promise<Uint8Array> {
  let module: Uint8Array | undefined;
  const entry = `${name}/assembly/${name}.ts`;
  const { error, stderr } = await asc.main(
    [entry, '--baseDir', KERNELS_FOLDER, '--outFile', 'kernel.wasm', ...OPTIONS],
    {
      writeFile: (_, contents) => {
        module = contents as Uint8Array;
      },
    },
  );
  const messages = stderr.toString();
  if (error || messages || !module) throw new Error(`${entry} does not compile:\n${messages || error}`);
  return module;
}

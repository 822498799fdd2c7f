import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ValetError } from '../base/index.ts';

/** The kernels that there are; each is a folder here, with its source and the `.wasm` file that comes of it. */
export const KERNELS = ['adamw', 'statistics', 'pages', 'pictures', 'mask', 'zstd'] as const;
export type KernelName = (typeof KERNELS)[number];

/** Where a kernel may lie, seen from `here`: beside the bundle, beside the folder of workers, or in this folder. */
function places(name: KernelName, here: string): string[] {
  return [`./kernels/${name}.wasm`, `../kernels/${name}.wasm`, `./${name}/${name}.wasm`].map((path) =>
    fileURLToPath(new URL(path, here)),
  );
}

/** The bytes of a kernel's module. @throws ValetError when its file is in none of its places */
export function kernelBytes(name: KernelName, here: string = import.meta.url): Uint8Array<ArrayBuffer> {
  const candidates = places(name, here);
  const file = candidates.find((path) => existsSync(path));
  if (file) return new Uint8Array(readFileSync(file));
  throw new ValetError(
    'kernels',
    `${name}.wasm is missing (looked for ${candidates.join(', ')}). Build or install anew.`,
  );
}

const modules = new Map<KernelName, WebAssembly.Module>();

/** A kernel's functions over `memory`; its module is compiled once per thread. */
export function kernelOver<Functions>(name: KernelName, memory: WebAssembly.Memory): Functions {
  return new WebAssembly.Instance(kernelModule(name), { env: { memory } }).exports as unknown as Functions;
}

/** A kernel's module, compiled once per thread. */
export function kernelModule(name: KernelName): WebAssembly.Module {
  const known = modules.get(name);
  if (known) return known;
  const module = new WebAssembly.Module(kernelBytes(name));
  modules.set(name, module);
  return module;
}

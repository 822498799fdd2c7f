import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { InputError, nearest, oneLine } from '../base/index.ts';
import { type NdArray, type Parameters, readSafetensors } from '../tensor/index.ts';
import type { CaseFolder, Manifest } from './manifest.ts';

/** A golden case on disk: its manifest, and its files, each read once. A file may also be there gzipped (`.gz`). */
export class GoldenCase {
  readonly name: string;
  readonly folder: string;
  private readonly known = new Map<string, Promise<unknown>>();

  constructor(
    { name, folder }: CaseFolder,
    readonly manifest: Manifest,
  ) {
    this.name = name;
    this.folder = folder;
  }

  get kind(): string {
    return this.manifest.kind;
  }

  get config(): Record<string, unknown> {
    return this.manifest.config;
  }

  /** What `make` gives, made once per key. */
  once<T>(key: string, make: () => Promise<T> | T): Promise<T> {
    let value = this.known.get(key) as Promise<T> | undefined;
    if (!value) {
      value = (async () => make())();
      value.catch(() => {}); // whoever awaits it sees the error
      this.known.set(key, value);
    }
    return value;
  }

  /** Lets go of what was made under keys that begin with `prefix`. */
  forget(prefix: string): void {
    for (const key of this.known.keys()) if (key.startsWith(prefix)) this.known.delete(key);
  }

  path(file: string): string {
    return join(this.folder, file);
  }

  /** The bytes of a file of the case, unpacked when it is gzipped. @throws InputError when it is missing */
  async bytes(file: string): Promise<Uint8Array> {
    const path = this.path(file);
    const zipped = path.endsWith('.gz') || (!existsSync(path) && existsSync(`${path}.gz`));
    const bytes = await readFile(zipped && !path.endsWith('.gz') ? `${path}.gz` : path).catch(
      (error: NodeJS.ErrnoException) => {
        throw new InputError(file, `cannot be read (${error.code}).`, { cause: error });
      },
    );
    return zipped ? gunzipSync(bytes) : bytes;
  }

  tensors(file: string): Promise<Parameters> {
    return this.once(`tensors ${file}`, async () => readSafetensors(await this.bytes(file)));
  }

  /** One tensor. @throws InputError that names the nearest one when it is missing */
  async tensor(file: string, name: string): Promise<NdArray> {
    return pick(await this.tensors(file), name, file);
  }

  json<T>(file: string): Promise<T> {
    return this.once(`json ${file}`, async () => {
      const text = Buffer.from(await this.bytes(file)).toString('utf8');
      try {
        return JSON.parse(text) as T;
      } catch (error) {
        throw new InputError(file, `is no JSON (${oneLine((error as Error).message)}).`);
      }
    });
  }

  /**
   * The file of the case whose name ends in `ending`, else `fallback`: `files` lists them as keys, as values, or as a
   * list.
   */
  file(ending: string, fallback = ending): string {
    const { files } = this.manifest;
    const names = Array.isArray(files)
      ? files
      : files && typeof files === 'object'
        ? [...Object.keys(files), ...Object.values(files)]
        : [];
    const found = names.filter((name): name is string => typeof name === 'string' && name.endsWith(ending));
    return found.find((name) => existsSync(this.path(name)) || existsSync(`${this.path(name)}.gz`)) ?? fallback;
  }

  /** A case beside this one, by its folder's name (`statistics_case`). @throws InputError when it is not there */
  neighbour(name: string): string {
    for (let at = this.folder; dirname(at) !== at; at = dirname(at)) {
      const folder = join(dirname(at), name);
      if (existsSync(join(folder, 'manifest.json')) || existsSync(folder)) return folder;
    }
    throw new InputError(this.name, `the case ${name} that it builds on is not beside it.`);
  }
}

/** `tensors[name]`. @throws InputError that names the nearest one when it is missing */
export function pick(tensors: Parameters, name: string, where: string): NdArray {
  const found = tensors.get(name);
  if (found) return found;
  const near = nearest(name, tensors.keys());
  throw new InputError(where, `has no tensor ${name}.${near ? ` The nearest is ${near}.` : ''}`);
}

/** An array's numbers, 64-bit integers as numbers. */
export function numbers(array: NdArray): ArrayLike<number> {
  return array.data instanceof BigInt64Array ? Float64Array.from(array.data, Number) : array.data;
}

/** Row `i` of the first axis. */
export function rowOf(array: NdArray, i: number): NdArray {
  const shape = array.shape.slice(1);
  const size = shape.reduce((product, n) => product * n, 1);
  return { ...array, shape, data: array.data.subarray(i * size, (i + 1) * size) as NdArray['data'] };
}

/** A pattern with `*` for any text as a regular expression over whole names, one group per star. */
export function pattern(glob: string): RegExp {
  return new RegExp(`^${glob.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '(.*)')}$`);
}

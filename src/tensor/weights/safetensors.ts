import { type FileHandle, open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { bfloat16ToFloat32, float16ToFloat32, InputError, oneLine, present, writeFileAside } from '../../base/index.ts';
import { type DataType, type NdArray, type Parameters, size, type TypedArray } from '../graph/index.ts';
import { byteLength, ELEMENT_BYTES, type PiecedArray, piecesOf, type StoredArray, type Weight } from './stored.ts';

/** Where one array lies in the file: offsets count from the end of the header. */
interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>;
  readonly entries: ReadonlyMap<string, Entry>;
}

const BYTES: Record<string, number> = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  U64: 8,
  U32: 4,
  I32: 4,
  U16: 2,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
};
const WRITTEN: Record<DataType, string> = {
  float64: 'F64',
  float32: 'F32',
  int64: 'I64',
  int32: 'I32',
  int8: 'I8',
  uint8: 'U8',
  bool: 'BOOL',
};
/** The format's own limit on the header. */
const MAX_HEADER_BYTES = 100_000_000;

/** A file or bytes in memory as something to read ranges from. */
interface Source {
  readonly where: string;
  readonly length: number;
  read(start: number, end: number): Promise<ArrayBuffer>;
}

/**
 * Reads arrays from a safetensors file (or its bytes). F16 and BF16 become float32, I16 and U16 int32, U32 and U64
 * int64. `only` chooses by name.
 * @throws InputError that names what is wrong with the file, or a U64 from 2^63 on, which int64 cannot hold
 */
export async function readSafetensors(
  file: string | Uint8Array,
  { only }: { only?: (name: string) => boolean } = {},
): Promise<Parameters> {
  return withSource(file, async (source) => {
    const { header, start } = await readHeader(source);
    const out: Parameters = new Map();
    for (const [name, entry] of header.entries) {
      if (only && !only(name)) continue;
      const [from, to] = entry.data_offsets;
      out.set(name, decode(entry, await source.read(start + from, start + to), `${source.where}: ${name}`));
    }
    return out;
  });
}

/** Reads names, shapes, types and metadata alone. */
export async function readSafetensorsHeader(file: string | Uint8Array): Promise<SafetensorsHeader> {
  return withSource(file, async (source) => (await readHeader(source)).header);
}

/**
 * Writes arrays to a safetensors file, under a temporary name first. Arrays lie in the order of their element size,
 * then of the map. Of arrays that are not in memory it holds a piece at a time.
 */
export async function writeSafetensors(
  path: string,
  arrays: ReadonlyMap<string, Weight | PiecedArray>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  for (const [name, array] of arrays)
    if ('data' in array && array.data.length !== size(array.shape))
      throw new InputError(
        'writeSafetensors',
        `'${name}' has ${array.data.length} elements (expected ${size(array.shape)} for [${array.shape}]).`,
      );
  const { head, offsets } = safetensorsLayout(arrays, metadata);
  async function* parts(): AsyncIterable<Uint8Array> {
    yield head;
    for (const name of offsets.keys()) yield* piecesOf(present(arrays.get(name), `the array '${name}'`));
  }
  await writeFileAside(path, parts());
}

/**
 * Where each array of a safetensors file will lie: the header's bytes, each array's offset from the start of the file,
 * and the file's length. For files that are written array by array. Arrays lie in the order of their element size, then
 * of the map, so that each is aligned.
 */
export function safetensorsLayout(
  arrays: ReadonlyMap<string, Omit<NdArray, 'data'>>,
  metadata: Readonly<Record<string, string>> = {},
): { head: Uint8Array; offsets: Map<string, number>; length: number } {
  const header: Record<string, unknown> = Object.keys(metadata).length > 0 ? { __metadata__: metadata } : {};
  const aligned = [...arrays].sort(([, a], [, b]) => ELEMENT_BYTES[b.dtype] - ELEMENT_BYTES[a.dtype]);
  const offsets = new Map<string, number>();
  let at = 0;
  for (const [name, array] of aligned) {
    const end = at + byteLength(array);
    header[name] = { dtype: WRITTEN[array.dtype], shape: array.shape, data_offsets: [at, end] };
    offsets.set(name, at);
    at = end;
  }
  const text = JSON.stringify(header);
  const bytes = Buffer.byteLength(text);
  const head = new Uint8Array(8 + Math.ceil(bytes / 8) * 8).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(head.length - 8), true);
  head.set(new TextEncoder().encode(text), 8);
  for (const [name, offset] of offsets) offsets.set(name, offset + head.length);
  return { head, offsets, length: head.length + at };
}

/**
 * The arrays of a safetensors file where they lie, without reading them.
 * @throws InputError for a type that means another one here
 */
export async function mapSafetensors(file: string): Promise<Map<string, StoredArray>> {
  const path = resolve(file);
  return withSource(path, async (source) => {
    const { header, start } = await readHeader(source);
    const out = new Map<string, StoredArray>();
    for (const [name, { dtype, shape, data_offsets: offsets }] of header.entries) {
      const at = { shape: [...shape], file: path, offset: start + offsets[0] };
      const known = (Object.keys(WRITTEN) as DataType[]).find((type) => WRITTEN[type] === dtype);
      if (known) out.set(name, { ...at, dtype: known });
      else if (dtype === 'BF16') out.set(name, { ...at, dtype: 'float32', packed: 'bfloat16' });
      else if (dtype === 'F16') out.set(name, { ...at, dtype: 'float32', packed: 'float16' });
      else throw new InputError(file, `'${name}' is ${dtype}, which no weight has. Read the file instead.`);
    }
    return out;
  });
}

async function withSource<T>(file: string | Uint8Array, use: (source: Source) => Promise<T>): Promise<T> {
  if (typeof file !== 'string')
    return use({
      where: 'safetensors',
      length: file.length,
      read: async (start, end) => new Uint8Array(file.slice(start, end)).buffer,
    });
  const handle = await open(file, 'r').catch((error: NodeJS.ErrnoException) => {
    throw new InputError(file, `cannot be read (${error.code}). Check the path.`);
  });
  try {
    return await use({
      where: file,
      length: (await handle.stat()).size,
      read: (start, end) => readRange(handle, start, end),
    });
  } finally {
    await handle.close();
  }
}

/** Bytes of the file, in a buffer of their own. More than 4 GB come as a buffer, too: only views of it are limited. */
async function readRange(handle: FileHandle, start: number, end: number): Promise<ArrayBuffer> {
  const out = new ArrayBuffer(end - start);
  for (let done = 0; done < out.byteLength; ) {
    const piece = new Uint8Array(out, done, Math.min(out.byteLength - done, 2 ** 30));
    const { bytesRead } = await handle.read(piece, 0, piece.length, start + done);
    if (bytesRead === 0) throw new InputError('safetensors', 'the file ended while it was read.');
    done += bytesRead;
  }
  return out;
}

async function readHeader(source: Source): Promise<{ header: SafetensorsHeader; start: number }> {
  const fail = (what: string): never => {
    throw new InputError(source.where, `is no valid safetensors file: ${what}.`);
  };
  if (source.length < 8) fail(`it has ${source.length} bytes, the header's length alone takes 8`);
  const first = await source.read(0, 8);
  const length = Number(new DataView(first).getBigUint64(0, true));
  if (length > MAX_HEADER_BYTES || 8 + length > source.length)
    fail(`the header should have ${length} bytes, the file has ${source.length}; it may be cut off or of another kind`);
  let parsed: Record<string, unknown> = {};
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(await source.read(8, 8 + length)));
  } catch (error) {
    fail(`the header is no JSON (${oneLine((error as Error).message)})`);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) fail('the header is no JSON object');
  const { __metadata__: metadata = {}, ...rest } = parsed;
  const entries = new Map(Object.entries(rest as Record<string, Entry>));
  let expected = 0;
  for (const [name, entry] of [...entries].sort(
    ([, a], [, b]) =>
      (a?.data_offsets?.[0] ?? 0) - (b?.data_offsets?.[0] ?? 0) ||
      (a?.data_offsets?.[1] ?? 0) - (b?.data_offsets?.[1] ?? 0),
  )) {
    const { dtype, shape, data_offsets: offsets } = entry ?? {};
    const whole = (list: unknown): list is number[] =>
      Array.isArray(list) && list.every((n) => Number.isSafeInteger(n) && n >= 0);
    if (!whole(shape) || !whole(offsets) || offsets.length !== 2)
      return fail(`the entry '${name}' has no whole shape and offsets`);
    const bytes = BYTES[dtype];
    if (bytes === undefined)
      return fail(`'${name}' has the type ${dtype}, which is not read (known: ${Object.keys(BYTES).join(', ')})`);
    if (offsets[1] - offsets[0] !== bytes * size(shape))
      fail(`'${name}' takes ${offsets[1] - offsets[0]} bytes, ${dtype} [${shape}] needs ${bytes * size(shape)}`);
    if (offsets[0] !== expected) fail(`'${name}' begins at ${offsets[0]}, the array before it ends at ${expected}`);
    expected = offsets[1];
  }
  if (8 + length + expected !== source.length)
    fail(
      `the arrays end at byte ${8 + length + expected}, the file has ${source.length}; ` +
        `it ${source.length < 8 + length + expected ? 'may be cut off' : 'is longer than it should be'}`,
    );
  return { header: { metadata: metadata as Record<string, string>, entries }, start: 8 + length };
}

function decode({ dtype, shape }: Entry, buffer: ArrayBuffer, where: string): NdArray {
  const make = (type: DataType, data: TypedArray): NdArray => ({ shape: [...shape], dtype: type, data });
  switch (dtype) {
    case 'F64':
      return make('float64', new Float64Array(buffer));
    case 'F32':
      return make('float32', new Float32Array(buffer));
    case 'I64':
      return make('int64', new BigInt64Array(buffer));
    case 'U64':
      return make('int64', withoutWrap(new BigInt64Array(buffer), where));
    case 'I32':
      return make('int32', new Int32Array(buffer));
    case 'I16':
      return make('int32', Int32Array.from(new Int16Array(buffer)));
    case 'U16':
      return make('int32', Int32Array.from(new Uint16Array(buffer)));
    case 'U32':
      return make('int64', BigInt64Array.from(new Uint32Array(buffer), BigInt));
    case 'I8':
      return make('int8', new Int8Array(buffer));
    case 'BOOL':
      return make('bool', new Uint8Array(buffer));
    case 'BF16':
      return make('float32', bfloat16ToFloat32(new Uint16Array(buffer)));
    case 'F16':
      return make('float32', float16ToFloat32(new Uint16Array(buffer)));
    default:
      return make('uint8', new Uint8Array(buffer));
  }
}

/** Numbers of 64 bits without sign, as int64. @throws InputError for one from 2^63 on, which would come out negative */
function withoutWrap(data: BigInt64Array, where: string): BigInt64Array {
  const at = data.findIndex((value) => value < 0n);
  if (at >= 0)
    throw new InputError(
      where,
      `value ${at} is ${BigInt.asUintN(64, present(data[at], 'data[at]'))} (expected at most ${2n ** 63n - 1n}). ` +
        'Store it as a smaller number or as F64.',
    );
  return data;
}

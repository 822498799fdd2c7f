import { z } from 'zod';
import { InputError, oneLine, parse, present } from '../../../base/index.ts';
import { FormatError } from '../byteReader.ts';
import { type ByteSource, readSource, sourceName } from '../byteSource.ts';
import { type Codec, elementsOf } from '../storedLeaf.ts';
import { converter, float16Bits, STORED_BYTES, type StoredType, storedType } from '../storedType.ts';

/** What a zarr array's metadata says, version 2 or 3. */
export interface ZarrArray {
  readonly shape: readonly number[];
  readonly dtype: StoredType;
  readonly bigEndian: boolean;
  readonly chunkShape: readonly number[];
  readonly order?: readonly number[];
  readonly codecs: readonly Codec[];
  /** Bytes of an element of a chunk that was left out. */
  readonly fill: Uint8Array;
  /** Key of the chunk at a position of the grid, below the array's own. */
  readonly key: (at: readonly number[]) => string;
  /** Version 3: chunks lie in shards of this shape, which end (or begin) with an index of them. */
  readonly shards?: { readonly shape: readonly number[]; readonly index: 'start' | 'end'; readonly checked: boolean };
}

const MAX_METADATA = 2 ** 24;
const size = z.number().int().nonnegative();

const V2 = z.object({
  zarr_format: z.literal(2),
  shape: z.array(size),
  chunks: z.array(size.positive()),
  dtype: z.string(),
  compressor: z.looseObject({ id: z.string() }).nullable(),
  fill_value: z.unknown(),
  order: z.enum(['C', 'F']).default('C'),
  filters: z.array(z.unknown()).nullish(),
  dimension_separator: z.enum(['.', '/']).default('.'),
});

const CodecSpec = z.looseObject({ name: z.string(), configuration: z.record(z.string(), z.unknown()).default({}) });
const V3 = z.object({
  zarr_format: z.literal(3),
  node_type: z.literal('array'),
  shape: z.array(size),
  data_type: z.string(),
  chunk_grid: z.object({
    name: z.literal('regular'),
    configuration: z.object({ chunk_shape: z.array(size.positive()) }),
  }),
  chunk_key_encoding: z
    .object({
      name: z.enum(['default', 'v2']),
      configuration: z.object({ separator: z.enum(['.', '/']).optional() }).default({}),
    })
    .default({ name: 'default', configuration: {} }),
  codecs: z.array(CodecSpec),
  fill_value: z.unknown(),
});

/** Reads `.zarray` or `zarr.json`. @throws InputError that names the file and what is wrong with it or not read */
export function readZarrMetadata(source: ByteSource): ZarrArray {
  const where = sourceName(source);
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(readSource(source, MAX_METADATA)).toString('utf8'));
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(where, `is no JSON (${oneLine((error as Error).message)}).`);
  }
  try {
    const array =
      (value as { zarr_format?: unknown })?.zarr_format === 3 ? version3(where, value) : version2(where, value);
    if (array.chunkShape.length !== array.shape.length)
      throw new FormatError(`has chunks [${array.chunkShape}] of an array [${array.shape}]`);
    if (!Number.isSafeInteger(8 * elementsOf(array.shape)) || !Number.isSafeInteger(8 * elementsOf(array.chunkShape)))
      throw new FormatError(`is of an array [${array.shape}], which is larger than anything that can be read`);
    return array;
  } catch (error) {
    if (error instanceof FormatError) throw new InputError(where, `${error.message}.`);
    throw error;
  }
}

function version2(where: string, value: unknown): ZarrArray {
  const meta = parse(where, V2, value);
  if (meta.filters?.length) throw new FormatError('has filters, which are not read');
  const { dtype, bigEndian } = storedType(meta.dtype);
  return {
    shape: meta.shape,
    chunkShape: meta.chunks,
    dtype,
    bigEndian,
    ...(meta.order === 'F' && { order: meta.shape.map((_, axis) => meta.shape.length - 1 - axis) }),
    codecs: meta.compressor ? [codec(meta.compressor.id)] : [],
    fill: fillBytes(meta.fill_value, dtype),
    key: (at) => (at.length === 0 ? '0' : at.join(meta.dimension_separator)),
  };
}

function version3(where: string, value: unknown): ZarrArray {
  const meta = parse(where, V3, value);
  const { dtype } = storedType(meta.data_type);
  const { name, configuration } = meta.chunk_key_encoding;
  const separator = configuration.separator ?? (name === 'default' ? '/' : '.');
  const outer = meta.chunk_grid.configuration.chunk_shape;
  const sharding = meta.codecs.find((c) => c.name === 'sharding_indexed');
  if (sharding && meta.codecs.length > 1) throw new FormatError('packs whole shards, which is not read');
  const inner = sharding
    ? parse(
        where,
        z.object({
          chunk_shape: z.array(size.positive()),
          codecs: z.array(CodecSpec),
          index_codecs: z.array(CodecSpec),
          index_location: z.enum(['start', 'end']).default('end'),
        }),
        sharding.configuration,
      )
    : undefined;
  if (inner?.index_codecs.some(({ name: id }) => id !== 'bytes' && id !== 'crc32c'))
    throw new FormatError('packs the index of its shards, which is not read');
  if (inner?.chunk_shape.some((n, axis) => present(outer[axis], 'outer[axis]') % n !== 0))
    throw new FormatError(`has shards [${outer}] that are no multiple of the chunks [${inner.chunk_shape}]`);
  const { codecs, order, bigEndian } = codecChain(inner?.codecs ?? meta.codecs, meta.shape.length);
  return {
    shape: meta.shape,
    chunkShape: inner?.chunk_shape ?? outer,
    dtype,
    bigEndian: bigEndian && STORED_BYTES[dtype] > 1,
    ...(order && { order }),
    codecs,
    fill: fillBytes(meta.fill_value, dtype),
    key: (at) => (name === 'default' ? ['c', ...at].join(separator) : at.length === 0 ? '0' : at.join(separator)),
    ...(inner && {
      shards: {
        shape: outer,
        index: inner.index_location,
        checked: inner.index_codecs.some(({ name: id }) => id === 'crc32c'),
      },
    }),
  };
}

/** Version 3: array → array codecs (transpose), one array → bytes codec, bytes → bytes codecs. */
function codecChain(
  specs: readonly z.infer<typeof CodecSpec>[],
  rank: number,
): { codecs: Codec[]; order?: number[]; bigEndian: boolean } {
  let order: number[] | undefined;
  let bigEndian = false;
  const codecs: Codec[] = [];
  for (const { name, configuration } of specs) {
    if (name === 'transpose') {
      const axes = configuration['order'];
      if (!Array.isArray(axes) || [...axes].sort((a, b) => a - b).some((n, i) => n !== i) || axes.length !== rank)
        throw new FormatError(`transposes to ${JSON.stringify(axes)}, which is no order of ${rank} axes`);
      if (order) throw new FormatError('transposes twice, which is not read');
      order = axes as number[];
    } else if (name === 'bytes') bigEndian = configuration['endian'] === 'big';
    else codecs.push(codec(name));
  }
  return { codecs, bigEndian, ...(order && { order }) };
}

function codec(id: string): Codec {
  const known = ['zstd', 'gzip', 'zlib', 'lz4', 'blosc', 'crc32c'] as const;
  const found = known.find((name) => name === id);
  if (!found) throw new FormatError(`is packed with ${id}, which is not read (known: ${known.join(', ')})`);
  return { id: found };
}

/**
 * The bytes of a fill value: a number, a truth value, `NaN`, `Infinity`, `-Infinity`, or the bits as `0x…` (version 3).
 */
function fillBytes(value: unknown, dtype: StoredType): Uint8Array {
  const size = STORED_BYTES[dtype];
  const refuse = (): never => {
    throw new FormatError(`has the fill value ${JSON.stringify(value)} of type ${dtype}, which is not read`);
  };
  const bits = /^0x([0-9a-f]+)$/i.exec(String(value))?.[1];
  if (bits !== undefined) {
    if (bits.length !== 2 * size) refuse();
    return Uint8Array.from(Buffer.from(bits, 'hex').reverse());
  }
  const number =
    value === null || value === undefined ? 0 : typeof value === 'string' ? NAMED_NUMBERS[value] : Number(value);
  if (number === undefined || (typeof value === 'object' && value !== null)) return refuse();
  const isWhole = Number.isSafeInteger(number) && !Object.is(number, -0);
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  if (dtype === 'float64') view.setFloat64(0, number, true);
  else if (dtype === 'float32') view.setFloat32(0, number, true);
  else if (dtype === 'bfloat16') {
    view.setFloat64(0, number, true);
    return converter('float64', 'bfloat16')(bytes).slice();
  } else if (dtype === 'float16') view.setUint16(0, float16Bits(number), true);
  else if (isWhole)
    view.setBigInt64(0, BigInt(number), true); // the low bytes are right in every width
  else refuse();
  return bytes.slice(0, size);
}

const NAMED_NUMBERS: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
};

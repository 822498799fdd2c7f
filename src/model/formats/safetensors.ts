import { closeSync, openSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { InputError, present, readJson } from '../../base/index.ts';
import { readSafetensorsHeader } from '../../tensor/index.ts';
import type { StoredLeaf } from './storedLeaf.ts';
import type { StoredType } from './storedType.ts';

const TYPES: Record<string, StoredType> = {
  F64: 'float64',
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  I64: 'int64',
  I32: 'int32',
  I16: 'int16',
  U64: 'uint64',
  U32: 'uint32',
  U16: 'uint16',
  I8: 'int8',
  U8: 'uint8',
  BOOL: 'bool',
};
/** The names of those types in the format. */
export const SAFETENSORS_TYPES = Object.fromEntries(
  Object.entries(TYPES).map(([name, type]) => [type, name]),
) as Record<StoredType, string | undefined>;

/** The leaves of one safetensors file; no numbers yet. @throws InputError that names what is wrong with the file */
export async function openSafetensors(file: string): Promise<StoredLeaf[]> {
  const { entries } = await readSafetensorsHeader(file);
  const first = Buffer.alloc(8);
  const handle = openSync(file, 'r');
  readSync(handle, first, 0, 8, 0);
  closeSync(handle);
  const start = 8 + Number(first.readBigUInt64LE(0));
  return [...entries].map(
    ([
      name,
      {
        dtype,
        shape,
        data_offsets: [from, to],
      },
    ]) => ({
      name,
      shape,
      dtype: present(TYPES[dtype], 'TYPES[dtype]'),
      chunkShape: shape,
      bigEndian: false,
      codecs: [],
      chunks:
        from === to ? [] : [{ at: shape.map(() => 0), source: { file, offset: start + from, length: to - from } }],
    }),
  );
}

const IndexSchema = z.looseObject({ weight_map: z.record(z.string(), z.string()) });

/**
 * The leaves that a `*.safetensors.index.json` spreads over several files. @throws InputError when a file or a leaf is
 * missing
 */
export async function openSharded(index: string): Promise<StoredLeaf[]> {
  const { weight_map: files } = await readJson(index, IndexSchema);
  const leaves = new Map<string, StoredLeaf>();
  for (const file of new Set(Object.values(files))) {
    if (/[/\\]|^\.\.?$/.test(file)) throw new InputError(index, `names ${file}, which does not lie beside it.`);
    for (const leaf of await openSafetensors(join(dirname(index), file)))
      if (files[leaf.name] === file) leaves.set(leaf.name, leaf);
  }
  const missing = Object.keys(files).filter((name) => !leaves.has(name));
  if (missing.length > 0)
    throw new InputError(
      index,
      `${missing.length} arrays are not in the files that it names, first ${missing[0]} in ` +
        `${files[present(missing[0], 'missing[0]')]}.`,
    );
  return [...leaves.values()];
}

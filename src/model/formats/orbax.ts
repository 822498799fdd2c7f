import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { InputError, readJson } from '../../base/index.ts';
import type { ByteSource } from './byteSource.ts';
import { isDatabase, readDatabase } from './ocdbt/database.ts';
import type { StoredLeaf } from './storedLeaf.ts';
import { zarrLeaf } from './zarr/leaf.ts';

/** What orbax writes beside the arrays: the tree's paths as lists of keys. */
const MetadataSchema = z.looseObject({
  tree_metadata: z.record(
    z.string(),
    z.looseObject({
      key_metadata: z.array(z.looseObject({ key: z.union([z.string(), z.number()]) })),
      value_metadata: z.looseObject({
        value_type: z.string().default(''),
        skip_deserialize: z.boolean().default(false),
      }),
    }),
  ),
  store_array_data_equal_to_fill_value: z.boolean().default(false),
});

const METADATA = '_METADATA';
/** Value types that are kept elsewhere than in an array. */
const NO_ARRAY = /^(none|dict|list|tuple|namedtuple|str|string)$/i;

/** An orbax item: OCDBT, or one folder per array. */
export interface OrbaxItem {
  readonly container: 'orbax, OCDBT' | 'orbax, one folder per array';
  /** Each leaf with the keys on the way to it. */
  readonly leaves: readonly { readonly path: readonly string[]; readonly leaf: StoredLeaf }[];
}

/** Whether a folder holds arrays as orbax writes them. */
export function isOrbaxItem(folder: string): boolean {
  if (isDatabase(folder) || existsSync(join(folder, METADATA))) return true;
  return readdirSync(folder).some((name) =>
    ['.zarray', 'zarr.json'].some((file) => existsSync(join(folder, name, file))),
  );
}

/** Reads what an orbax item holds; no numbers yet. @throws InputError that names the file and what is wrong with it */
export async function openOrbax(folder: string): Promise<OrbaxItem> {
  const ocdbt = isDatabase(folder);
  const store = ocdbt ? readDatabase(folder) : readFolder(folder);
  const metadataFile = join(folder, METADATA);
  const metadata = existsSync(metadataFile) ? await readJson(metadataFile, MetadataSchema) : undefined;
  const paths = new Map<string, string[]>();
  for (const { key_metadata: keys, value_metadata: value } of Object.values(metadata?.tree_metadata ?? {})) {
    if (value.skip_deserialize || NO_ARRAY.test(value.value_type)) continue;
    const path = keys.map(({ key }) => String(key));
    paths.set(path.join('.'), path);
  }
  const sparse = metadata?.store_array_data_equal_to_fill_value !== true;
  const leaves: { path: string[]; leaf: StoredLeaf }[] = [];
  for (const key of store.keys()) {
    const name = /^(.+)\/(?:\.zarray|zarr\.json)$/.exec(key)?.[1];
    if (name === undefined) continue;
    const path = paths.get(name) ?? name.split(/[./]/);
    paths.delete(name);
    leaves.push({ path, leaf: zarrLeaf(path.join('/'), `${name}/`, store, { sparse }) });
  }
  if (paths.size > 0) {
    const [first] = paths.keys();
    throw new InputError(
      folder,
      `${paths.size} of ${paths.size + leaves.length} arrays that ${METADATA} lists are missing, first ` +
        `${first}. Is the checkpoint complete?`,
    );
  }
  if (leaves.length === 0)
    throw new InputError(
      folder,
      existsSync(join(folder, 'checkpoint'))
        ? 'holds no arrays, only an aggregate file `checkpoint`, which is not read. Save it again with a newer orbax.'
        : 'holds no arrays.',
    );
  return { container: ocdbt ? 'orbax, OCDBT' : 'orbax, one folder per array', leaves };
}

/** Every file below a folder by its path there. */
function readFolder(folder: string): Map<string, ByteSource> {
  const out = new Map<string, ByteSource>();
  const walk = (at: string, prefix: string): void => {
    for (const name of readdirSync(at).sort()) {
      const path = join(at, name);
      const info = statSync(path); // of what a link leads to
      if (info.isDirectory()) walk(path, `${prefix}${name}/`);
      else out.set(prefix + name, { file: path, offset: 0, length: info.size });
    }
  };
  walk(folder, '');
  return out;
}

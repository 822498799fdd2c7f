import { readdir } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { z } from 'zod';
import { InputError, readJson } from '../base/index.ts';

const LeafToleranceSchema = z.looseObject({ leaf: z.string(), tolerance_absolute: z.number() });

/** One number or array that a case promises, and how near it must be. */
const QuantitySchema = z.looseObject({
  name: z.string(),
  file: z.string(),
  /** Name of the tensor in the file, with `*` for any text; null when the whole file is meant. */
  tensor: z.string().nullish(),
  tolerance_relative: z.number().nonnegative().optional(),
  tolerance_absolute: z.number().nonnegative().optional(),
  /** Allowed mean of the absolute differences (pictures). */
  tolerance_mean_abs: z.number().nonnegative().optional(),
  meaning: z.string().optional(),
  /** Only valid tokens are compared. */
  compare_where: z.string().optional(),
  /** Leaves (or patterns of their names) that have an absolute tolerance of their own. */
  exception: z.union([LeafToleranceSchema, z.array(LeafToleranceSchema)]).optional(),
  except_leaves: z.array(z.string()).optional(),
  /** How arrays are compared where it is not element by element. */
  measure: z.string().optional(),
});
export type Quantity = z.infer<typeof QuantitySchema>;

const ManifestSchema = z.looseObject({
  kind: z.string(),
  title: z.string().optional(),
  config: z.record(z.string(), z.unknown()).default({}),
  /** File → what it holds, name → file, or a list. */
  files: z.unknown().optional(),
  subcases: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
  quantities: z.array(QuantitySchema).default([]),
});
export type Manifest = z.infer<typeof ManifestSchema>;

/** Reads a case's manifest. @throws InputError that says what is wrong with it */
export function readManifest(folder: string): Promise<Manifest> {
  return readJson(join(folder, 'manifest.json'), ManifestSchema);
}

/** A folder with a manifest, and the name under which it is reported: its path below the folder that was asked for. */
export interface CaseFolder {
  readonly name: string;
  readonly folder: string;
}

/**
 * Every folder with a `manifest.json` at or below the given ones, in the order of their names. @throws InputError when
 * there is none
 */
export async function findCases(roots: readonly string[]): Promise<CaseFolder[]> {
  const found = new Map<string, CaseFolder>();
  for (const root of roots) {
    const before = found.size;
    for (const folder of await foldersWithManifest(root))
      if (!found.has(resolve(folder)))
        found.set(resolve(folder), { folder, name: relative(root, folder) || basename(resolve(root)) });
    if (found.size === before && !(await hasManifest(root)))
      throw new InputError(root, 'no manifest.json at or below it. Name a folder with golden cases.');
  }
  return [...found.values()];
}

async function hasManifest(root: string): Promise<boolean> {
  return (await foldersWithManifest(root)).length > 0;
}

async function foldersWithManifest(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    throw new InputError(folder, `cannot be read (${error.code}). Name a folder with golden cases.`, { cause: error });
  });
  const below: string[] = entries.some((entry) => entry.name === 'manifest.json' && !entry.isDirectory())
    ? [folder]
    : [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1)))
    if (entry.isDirectory()) below.push(...(await foldersWithManifest(join(folder, entry.name))));
  return below;
}

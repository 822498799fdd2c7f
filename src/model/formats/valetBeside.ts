import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { parse, readJson } from '../../base/index.ts';
import { readSafetensorsHeader } from '../../tensor/index.ts';
import { recordedStatistics } from '../card.ts';
import { isValet, type StoredTree } from './openTree.ts';

/** The file beside arrays, and the key of a safetensors file's metadata, under which an export says whose they are. */
export const BESIDE = 'valet.json';
export const BESIDE_KEY = 'valet';

/** What no shape tells of a network that Valet exported: config.json without its format. */
const ConfigFile = z.looseObject({
  model: z.record(z.string(), z.unknown()),
  robot: z.unknown().optional(),
  policy: z.record(z.string(), z.unknown()).default({}),
  statistics: z.string().optional(),
});
export type ValetConfig = z.infer<typeof ConfigFile> & {
  /** Where it stands, for messages. */
  readonly where: string;
};

/**
 * The configuration that Valet wrote: a Valet checkpoint's config.json, or what an export put beside its arrays.
 * undefined for a tree of another program. @throws InputError when it is none
 */
export async function valetConfig(tree: StoredTree): Promise<ValetConfig | undefined> {
  const { folder, path } = tree;
  if (folder !== undefined) {
    const file = join(folder, isValet(tree) ? 'config.json' : BESIDE);
    if (isValet(tree) || existsSync(file)) return { ...(await readJson(file, ConfigFile)), where: file };
  }
  if (tree.container !== 'safetensors' || !path.endsWith('.safetensors')) return undefined;
  const text = (await readSafetensorsHeader(path)).metadata[BESIDE_KEY];
  if (text === undefined) return undefined;
  const where = `${path}: metadata ${BESIDE_KEY}`;
  return { ...parse(where, ConfigFile, readText(text)), where };
}

/** The hash of the statistics that a network of Valet's was trained with, where that is recorded. */
export async function recordOf(tree: StoredTree): Promise<string | undefined> {
  const { folder } = tree;
  return folder !== undefined && isValet(tree) ? recordedStatistics(folder) : (await valetConfig(tree))?.statistics;
}

function readText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // which the schema refuses
  }
}

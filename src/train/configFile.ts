import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { InputError, nearest, readJson } from '../base/index.ts';
import { checkTrainConfig, type TrainConfig } from './config.ts';
import { presets } from './presets.ts';

type Tree = { readonly [key: string]: unknown };

const ConfigFile = z.looseObject({ base: z.string().min(1).optional() });

/**
 * A built-in configuration by name, or a JSON file of the same form. A file with `"base": NAME` (or another file, from
 * its own folder) says only what differs from it.
 * @throws InputError for an unknown name (with the nearest one) or a file that does not fit
 */
export async function loadTrainConfig(nameOrFile: string): Promise<TrainConfig> {
  const { tree, whole } = await load(nameOrFile, [], '--config');
  const where = isFile(nameOrFile) ? nameOrFile : `configuration ${nameOrFile}`;
  try {
    return checkTrainConfig(tree, where);
  } catch (error) {
    if (!(error instanceof InputError) || whole || !/received undefined/.test(error.message)) throw error;
    const names = Object.keys(presets).join(', ');
    throw new InputError(
      where,
      `${error.message.slice(where.length + 2)} A file that is not whole needs "base": one of ${names}, or a file; ` +
        'valet train --print-config NAME prints a whole one.',
    );
  }
}

const isFile = (name: string): boolean => name.endsWith('.json') || name.includes('/');

/** @returns whether every key that a configuration has was given, so that no base is missing */
async function load(name: string, above: readonly string[], where: string): Promise<{ tree: Tree; whole: boolean }> {
  const preset = Object.hasOwn(presets, name) ? presets[name] : undefined;
  if (preset) return { tree: preset(), whole: true };
  if (!isFile(name)) {
    const guess = nearest(name, Object.keys(presets));
    throw new InputError(
      where,
      `there is no configuration '${name}'. ` +
        `${guess ? `Did you mean '${guess}'?` : `Known: ${Object.keys(presets).join(', ')}, or a JSON file.`}`,
    );
  }
  const path = resolve(name);
  if (above.includes(path)) throw new InputError(name, 'is its own base. Name one of the built-in configurations.');
  const { base, ...own } = await readJson(name, ConfigFile);
  if (base === undefined) return { tree: own, whole: false };
  const below = isFile(base) ? resolve(dirname(path), base) : base;
  const { tree, whole } = await load(below, [...above, path], `${name}: base`);
  return { tree: filled(tree, own), whole };
}

/** `own` over `base`, key by key; lists, and objects of another `kind`, are taken whole. */
function filled(base: Tree, own: Tree): Tree {
  const out: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(own)) {
    const old = base[key];
    out[key] = isTree(old) && isTree(value) && sameKind(old, value) ? filled(old, value) : value;
  }
  return out;
}

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);
const sameKind = (a: Tree, b: Tree): boolean => b['kind'] === undefined || a['kind'] === b['kind'];

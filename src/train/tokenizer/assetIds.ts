import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Ids of the assets of a checkpoint folder: the folders below `assets/` that hold statistics, a vocabulary or
 * nothing yet. An id may contain slashes.
 */
export function assetIds(checkpoint: string): string[] {
  const found: string[] = [];
  const walk = (id: string): void => {
    const folder = join(checkpoint, 'assets', id);
    const names = readdirSync(folder);
    const below = names.filter((name) => name !== 'fast_tokenizer' && statSync(join(folder, name)).isDirectory());
    const holds = names.includes('norm_stats.json') || names.includes('fast_tokenizer');
    if (id !== '' && (holds || below.length === 0)) found.push(id);
    for (const name of below) walk(id === '' ? name : `${id}/${name}`);
  };
  if (existsSync(join(checkpoint, 'assets'))) walk('');
  return found.sort();
}

/** The asset that a Valet checkpoint plans with; undefined for any other folder. */
export function ownAssetId(checkpoint: string): string | undefined {
  try {
    const id: unknown = JSON.parse(readFileSync(join(checkpoint, 'config.json'), 'utf8')).policy.assetId;
    return typeof id === 'string' && id !== '' ? id : undefined;
  } catch {
    return undefined;
  }
}

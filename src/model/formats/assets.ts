import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { InputError, nearest } from '../../base/index.ts';

/** A folder of `assets` with statistics; its id may contain slashes. */
export interface Asset {
  readonly id: string;
  readonly folder: string;
}

/** Every folder below `<checkpoint>/assets` that holds a norm_stats.json. */
export function findAssets(checkpoint: string | undefined): Asset[] {
  const root = checkpoint && join(checkpoint, 'assets');
  if (!root || !existsSync(root)) return [];
  const found: Asset[] = [];
  const walk = (folder: string): void => {
    // of what a link leads to
    const below = readdirSync(folder).map((name) => ({ name, info: statSync(join(folder, name)) }));
    if (below.some(({ name, info }) => info.isFile() && name === 'norm_stats.json'))
      found.push({ id: relative(root, folder).split(sep).join('/'), folder });
    for (const { name, info } of below) if (info.isDirectory()) walk(join(folder, name));
  };
  if (statSync(root).isDirectory()) walk(root);
  return found.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/**
 * The asset that is asked for, or the only one. @throws InputError when it is not there, or there are several and none
 * is asked for
 */
export function chooseAsset(where: string, assets: readonly Asset[], id: string | undefined): Asset | undefined {
  if (id === undefined) {
    if (assets.length <= 1) return assets[0];
    throw new InputError(
      where,
      `holds statistics of ${assets.length} robots. Choose one: --asset-id ` +
        `${assets.map((a) => a.id).join(' | ')}; or give others with --norm-stats.`,
    );
  }
  const found = assets.find((asset) => asset.id === id);
  if (found) return found;
  const near = nearest(
    id,
    assets.map((asset) => asset.id),
  );
  const there =
    assets.length === 0 ? ' It has none.' : ` Did you mean ${near ?? assets.map((asset) => asset.id).join(' or ')}?`;
  throw new InputError(where, `holds no assets ${id}.${there}`);
}

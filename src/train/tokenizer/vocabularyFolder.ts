import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../base/index.ts';
import { checkpointFolder } from '../../model/index.ts';
import { assetIds, ownAssetId } from './assetIds.ts';

/**
 * The folder of the FAST vocabulary in what is named: the folder itself, a `fast_tokenizer` in it, or a checkpoint's
 * `assets/<id>/fast_tokenizer`, whatever the asset is called; the checkpoint's own asset goes before others. undefined
 * when there is none. @throws InputError when there are several and none is the checkpoint's own
 */
export function vocabularyFolder(name: string): string | undefined {
  const dir = checkpointFolder(name);
  if (isVocabulary(dir)) return dir;
  const inside = (id: string): string => join(dir, 'assets', id, 'fast_tokenizer');
  const own = ownAssetId(dir);
  const first = [join(dir, 'fast_tokenizer'), ...(own === undefined ? [] : [inside(own)])].find((at) => existsSync(at));
  if (first !== undefined) return first;
  const found = assetIds(dir)
    .map(inside)
    .filter((at) => existsSync(at));
  if (found.length > 1) throw new InputError(dir, `holds several vocabularies (${found.join(', ')}). Name one.`);
  return found[0];
}

/** Also one of which a file is missing: the reader says which. */
const isVocabulary = (dir: string): boolean =>
  ['tokenizer.json', 'processor_config.json', 'bpe_tokenizer'].some((name) => existsSync(join(dir, name)));

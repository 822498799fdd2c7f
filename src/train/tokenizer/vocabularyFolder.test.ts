import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { vocabularyFolder } from './vocabularyFolder.ts';

const VOCABULARY = join(import.meta.dirname, '../../../test/cases/fast-horizon-20');
let place: string;
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'valet-vocabulary-folder-'));
});
afterAll(() => rmSync(place, { recursive: true }));

/** A checkpoint whose assets hold vocabularies under these names. */
function checkpoint(name: string, own: string | undefined, ids: readonly string[]): string {
  const dir = join(place, name);
  mkdirSync(dir);
  if (own) writeFileSync(join(dir, 'config.json'), JSON.stringify({ policy: { assetId: own } }));
  for (const id of ids) cpSync(VOCABULARY, join(dir, 'assets', id, 'fast_tokenizer'), { recursive: true });
  return dir;
}

it('is found whatever the asset is called', () => {
  const dir = checkpoint('imported', 'behavior-1k/2025', ['behavior-1k/2025', 'other']);
  expect(vocabularyFolder(dir)).toBe(join(dir, 'assets/behavior-1k/2025/fast_tokenizer'));
  const foreign = checkpoint('foreign', undefined, ['anything']);
  expect(vocabularyFolder(foreign)).toBe(join(foreign, 'assets/anything/fast_tokenizer'));
  const elsewhere = checkpoint('elsewhere', 'household', ['another']);
  expect(vocabularyFolder(elsewhere)).toBe(join(elsewhere, 'assets/another/fast_tokenizer'));
});

it('is the folder itself, also of one that transformers 5 wrote; none is none; several need a choice', () => {
  expect(vocabularyFolder(VOCABULARY)).toBe(VOCABULARY);
  mkdirSync(join(place, 'five/bpe_tokenizer'), { recursive: true });
  expect(vocabularyFolder(join(place, 'five'))).toBe(join(place, 'five'));
  expect(vocabularyFolder('household')).toBeUndefined();
  const two = checkpoint('two', undefined, ['a', 'b']);
  expect(() => vocabularyFolder(two)).toThrow(/holds several vocabularies/);
});

import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CHALLENGE_ROBOT, robotNamed } from '../../robot/index.ts';
import { fastColumns } from './actionColumns.ts';
import { FastTokenizer } from './fastTokenizer.ts';
import { requireVocabularyFit } from './vocabularyFit.ts';

const SHORT = join(import.meta.dirname, '../../../test/cases/fast-horizon-20');
let place: string;
beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'valet-vocabulary-'));
});
afterAll(() => rmSync(place, { recursive: true }));

describe('a vocabulary', () => {
  it('of another horizon, of other columns or of another robot is refused with both shapes', async () => {
    const short = await FastTokenizer.load(SHORT);
    const columns = fastColumns(CHALLENGE_ROBOT);
    requireVocabularyFit('x', short, { horizon: 20, columns });
    expect(() => requireVocabularyFit('x', short, { horizon: 30, columns })).toThrow(
      /encodes chunks of 20 × 22 \(columns 0:6,7:23\); those here are of 30 × 22/,
    );
    expect(() => requireVocabularyFit('x', short, { horizon: 20, columns: [[0, 22]] })).toThrow(/columns 0:22/);
    const arm = fastColumns(robotNamed('single-arm'));
    expect(() => requireVocabularyFit('x', short, { horizon: 20, columns: arm })).toThrow(/20 × 22 .* 20 × 7/);
    const bare = { settings: { ...short.settings, horizon: undefined, width: undefined }, metadata: undefined };
    requireVocabularyFit('x', bare, { horizon: 30, columns });
  });

  it('that transformers 5 saved is read as the same', async () => {
    const own = join(place, 'five');
    cpSync(SHORT, own, { recursive: true });
    mkdirSync(join(own, 'bpe_tokenizer'));
    for (const name of ['tokenizer.json', 'tokenizer_config.json'])
      renameSync(join(own, name), join(own, 'bpe_tokenizer', name));
    rmSync(join(own, 'special_tokens_map.json'));
    const [was, now] = [await FastTokenizer.load(SHORT), await FastTokenizer.load(own)];
    expect([now.settings, now.bpe]).toEqual([was.settings, was.bpe]);
    await now.save(join(place, 'again'));
    expect(readFileSync(join(place, 'again/tokenizer.json'), 'utf8')).toContain('ByteLevel');
  });
});

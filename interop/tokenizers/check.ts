import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ByteLevelBpe, FastTokenizer, readTokenizerFile, trainBpe, WordCounter } from '../../src/action/index.ts';
import { Random } from '../../src/base/index.ts';
import type { Check } from '../check.ts';
import { PythonSide, python } from '../python.ts';

const CORPORA = 24;

/**
 * FAST vocabularies against Hugging Face tokenizers: the same merges from the same strings, and each reads the other's
 * files.
 */
export const check: Check = async (report) => {
  const side = new PythonSide(await python(), fileURLToPath(new URL('tokenizers_side.py', import.meta.url)));
  const folder = await mkdtemp(join(tmpdir(), 'valet-tokenizers-'));
  try {
    const { tokenizers } = await side.ask<{ tokenizers: string }>({ do: 'versions' });
    const random = Random.of('interop', 'tokenizers');
    let [merges, vocabularies, ids, texts, theirFiles] = [0, 0, 0, 0, 0];
    let loaded: boolean | undefined;
    for (let c = 0; c < CORPORA; c++) {
      const corpus = strings(random, 20 + random.integer(60), 1 + random.integer(4));
      const options = {
        vocabSize: 64 + random.integer(1200),
        minFrequency: random.integer(4),
        maxTokenLength: c % 4 === 3 ? 3 + random.integer(8) : 10_000,
        alphabet: 1 + random.integer(400),
      };
      const theirs = join(folder, `theirs-${c}.json`);
      const hf = await side.ask<{ merges: string[][]; vocab: string[] }>({
        do: 'train',
        strings: corpus,
        ...options,
        save: theirs,
      });
      const words = new WordCounter();
      for (const each of corpus) words.addText(Int32Array.from(each));
      const alphabet = Array.from({ length: options.alphabet }, (_, i) => String.fromCodePoint(i));
      const own = trainBpe(words, { ...options, alphabet });
      if (JSON.stringify(own.merges) === JSON.stringify(hf.merges)) merges++;
      if (JSON.stringify(own.vocab) === JSON.stringify(hf.vocab)) vocabularies++;

      const settings = { scale: 10, vocabSize: options.vocabSize, minToken: 0, horizon: 1, width: 1 };
      const fast = new FastTokenizer(settings, { ...own, addPrefixSpace: false, useRegex: true });
      const saved = join(folder, `own-${c}`);
      await fast.save(saved);
      const others = strings(random, 40, 1 + random.integer(4));
      const rows = Array.from({ length: 20 }, () => Array.from({ length: 12 }, () => random.integer(own.vocab.length)));
      const path = join(saved, 'tokenizer.json');
      const answer = await side.ask<{ ids: number[][]; back: number[][] }>({
        do: 'encode',
        path,
        strings: others,
        rows,
      });
      const model = new ByteLevelBpe(fast.bpe);
      const mine = others.map((each) => [...model.encode(Int32Array.from(each))]);
      if (JSON.stringify(mine) === JSON.stringify(answer.ids)) ids++;
      const back = [...mine, ...rows].map((row) => [...fast.decodeAsOriginal(row).codePoints]);
      if (JSON.stringify(back) === JSON.stringify(answer.back)) texts++;
      const reader = new ByteLevelBpe(await readTokenizerFile(theirs));
      const read = others.map((each) => [...reader.encode(Int32Array.from(each))]);
      if (JSON.stringify(read) === JSON.stringify(answer.ids)) theirFiles++;
      if (loaded === false) continue;
      const processor = await side.ask<{ ids?: number[][]; missing?: boolean }>({
        do: 'processor',
        path: saved,
        strings: others,
      });
      if (!processor.missing) loaded = JSON.stringify(processor.ids) === JSON.stringify(mine);
    }
    const of = (n: number) => `${n} of ${CORPORA} corpora, tokenizers ${tokenizers}`;
    report('the same merges', merges === CORPORA, of(merges));
    report('the same vocabulary in the same order', vocabularies === CORPORA, of(vocabularies));
    report("the library reads Valet's file: the same ids of random strings", ids === CORPORA, of(ids));
    report('and the same text of them and of random ids', texts === CORPORA, of(texts));
    report("Valet reads the library's file: the same ids", theirFiles === CORPORA, of(theirFiles));
    if (loaded !== undefined) report("transformers loads Valet's folder: the same ids", loaded);
  } finally {
    side.close();
    await rm(folder, { recursive: true, force: true });
  }
};

/** Strings of code points, from runs of a few digits (1) to anything in Unicode (4). */
function strings(random: Random, count: number, kind: number): number[][] {
  const point = () => {
    if (kind === 1 || random.uniform() < 0.5) return 54 + Math.min(3, Math.floor(Math.abs(1.2 * random.normal())));
    if (kind === 2) return random.integer(128);
    if (kind === 3) return random.integer(600);
    const any = random.integer(0x30000);
    return any >= 0xd800 && any <= 0xdfff ? 0x20 : any;
  };
  return Array.from({ length: count }, () => Array.from({ length: 1 + random.integer(80) }, point));
}

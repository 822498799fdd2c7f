import { basename, dirname } from 'node:path';
import { UnknownQuantity } from '../compare.ts';
import type { GoldenCase } from '../goldenCase.ts';
import type { Check } from '../kind.ts';
import { decodeCases, splitCases, trainerCases } from './fastCases.ts';
import { tensor } from './fastEncodings.ts';
import { vocabulary } from './fastVocabularies.ts';

/**
 * FAST tokens: vocabularies (`<dir>/tokenizer.json`) fitted anew, encodings and decodings of
 * `<what>_<name>.safetensors` by `tokenizer_<name>`, and lists of cases.
 */
export function fast(golden: GoldenCase): Check {
  return async (quantity) => {
    const { file } = quantity;
    if (basename(file) === 'tokenizer.json') return vocabulary(golden, dirname(file));
    if (file.endsWith('.safetensors')) return tensor(golden, quantity);
    if (/trainer/.test(file)) return trainerCases(golden, file);
    if (/pretokenizer/.test(file)) return splitCases(golden, file);
    if (/decode/.test(file)) return decodeCases(golden, quantity);
    throw new UnknownQuantity('fast', `${quantity.name} (${file}) is not something that this kind has.`);
  };
}

export { type ColumnRanges, fastChunk, fastColumns, parseColumns, widthOf } from './actionColumns.ts';
export { trainBpe } from './bpeTrainer.ts';
export { ByteLevelBpe } from './byteLevelBpe.ts';
export { FAST_MAX_TOKENS, FastTokenizer } from './fastTokenizer.ts';
export { readTokenizerFile } from './files.ts';
export { FastFitter } from './fitter.ts';
export { splitPieces } from './split.ts';
export { requireVocabularyFit } from './vocabularyFit.ts';
export { WordCounter } from './wordCounter.ts';

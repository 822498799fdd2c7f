/** FAST action tokens: chunks as ids of a byte-level BPE vocabulary over rounded DCT coefficients; fitting, files, encoding, decoding. */
export * from './actionColumns.ts';
export { type BpeTraining, type TrainedBpe, trainBpe } from './bpeTrainer.ts';
export { BYTE_CHARACTERS } from './byteLevel.ts';
export { type BpeDefinition, ByteLevelBpe } from './byteLevelBpe.ts';
export * from './fastTokenizer.ts';
export { type FastMetadata, type FastSettings, readTokenizerFile } from './files.ts';
export * from './fitter.ts';
export { splitPieces } from './split.ts';
export { WordCounter } from './wordCounter.ts';

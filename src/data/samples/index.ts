export type { BadNumber } from './badNumbers.ts';

export { parseDataFolder } from './dataFolder.ts';
export { openSamples, type StreamChoice } from './openSamples.ts';
export type { RawBatch } from './rawBatch.ts';
export { type RowShare, WHOLE_BATCH } from './rowShare.ts';
export type { SampleSource, SampleVisitor } from './sampleSource.ts';
export { SampleStore } from './sampleStore.ts';
export { type SampleScan, SampleStream } from './sampleStream.ts';
export { chunkCount } from './sampling.ts';
export { demonstrationOf, stageLabels } from './stageLabels.ts';
export { stageTable, successorTable } from './stageTable.ts';

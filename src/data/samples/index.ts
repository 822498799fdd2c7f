export type { BadNumber } from './badNumbers.ts';
export { parseDataFolder } from './dataFolder.ts';
export { openSamples, type StreamChoice } from './openSamples.ts';
export type { RawBatch } from './rawBatch.ts';
export type { SampleSource, SampleVisitor } from './sampleSource.ts';
export { SampleStore } from './sampleStore.ts';
export { type SampleScan, SampleStream } from './sampleStream.ts';
export { stageLabels } from './stageLabels.ts';
export { stageTable, successorTable } from './stageTable.ts';

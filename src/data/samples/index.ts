export type { BadNumber } from './badNumbers.ts';
export { parseDataFolder } from './dataFolder.ts';
export type { RawBatch } from './rawBatch.ts';
export { SampleStore } from './sampleStore.ts';
export { stageTable, successorTable } from './stageTable.ts';

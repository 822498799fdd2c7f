export { parseDataFolder, type RawBatch, SampleStore } from './sampleStore.ts';

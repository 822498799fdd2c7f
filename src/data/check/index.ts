/** What is wrong with a data set, file by file. */
export { checkDataset } from './checkDataset.ts';

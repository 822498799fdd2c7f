/** What is wrong with a data set, file by file, and how it fits another. */
export { checkDataset } from './checkDataset.ts';
export { type FitReference, type FitRow, isOff, referenceOf } from './fit.ts';
export { setReference } from './setReference.ts';

export { type Named, notices, refuseHiddenChoice, requireComparable } from './comparable.ts';
export { type Comparison, compareLedgers } from './compare.ts';
export { compareTable } from './compareTable.ts';

export { type Named, notices, refuseHiddenChoice, requireComparable, requireSameSelection } from './comparable.ts';
export { type Comparison, compareLedgers } from './compare.ts';
export { compareTable, sequentialLine } from './compareTable.ts';
export { findableText } from './differenceInterval.ts';
export { playUntilDecided } from './untilDecided.ts';

export { type Interval, scoreInterval } from './intervals.ts';
export { officialJson } from './official.ts';
export { qTable, type Summary, summarise } from './summary.ts';

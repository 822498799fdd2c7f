/** Curves of training runs over each other, as one page. */
export { type CurvesSummary, isTrainingFolder, writeCurves } from './writeCurves.ts';

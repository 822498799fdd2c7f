export { contactSheet } from './contactSheet.ts';
export { type DemoOptions, type DemoSummary, makeDemonstrations } from './makeDemonstrations.ts';

export { contactSheet } from './contactSheet.ts';
export { makeDemonstrations } from './makeDemonstrations.ts';

export { int8Cost, int8Lines } from './importReport.ts';
export { syntheticInputs } from './planReport.ts';

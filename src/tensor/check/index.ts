export { checkOps, OPS_HEAD, opLine } from './opReport.ts';

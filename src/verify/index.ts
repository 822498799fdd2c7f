/** Golden cases against the product's own code: `valet verify`. */
export { findCases } from './manifest.ts';
export { firstOff } from './order.ts';
export { countVerdicts, type Verdict, type VerdictCounts, verify, verifyCase } from './verify.ts';

/** Golden cases against the product's own code: `valet verify`. */
export { findCases } from './manifest.ts';
export { firstOff } from './order.ts';
export { type Summary, summarise, type Verdict, verify, verifyCase } from './verify.ts';

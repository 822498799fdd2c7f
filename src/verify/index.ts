/** Golden cases against the product's own code: `valet verify`. */

export type { VerifyOptions } from './kind.ts';
export { KINDS } from './kinds/index.ts';
export { type CaseFolder, findCases, type Manifest, type Quantity, readManifest } from './manifest.ts';
export { firstOff } from './order.ts';
export { describeWorst, type Summary, summarise, type Verdict, verify, verifyCase } from './verify.ts';

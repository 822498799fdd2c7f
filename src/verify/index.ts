/** Golden cases against the product's own code: `valet verify`. */

export { KINDS } from './kinds/index.ts';
export { type CaseFolder, findCases, type Manifest, type Quantity, readManifest } from './manifest.ts';
export { describeWorst, type Summary, summarise, type Verdict, verify, verifyCase } from './verify.ts';

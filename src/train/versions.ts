import { createRequire } from 'node:module';

/** The programs that numbers depend on, for run records and checkpoint cards. */
export function versions(): Record<string, string> {
  const require = createRequire(import.meta.url);
  const { version } = require('onnxruntime-node/package.json') as { version: string };
  return { node: process.version, 'onnxruntime-node': version };
}

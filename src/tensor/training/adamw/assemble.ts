/** Assembles adamw.wat into bytes.ts: `npx tsx src/tensor/adamw/assemble.ts`. Needs the development dependency wabt. */
import { readFileSync } from 'node:fs';
import { assembleWasm, writeAssembled } from '../../../base/assembleWasm.ts';

/** The module's bytes, assembled from adamw.wat. */
export const assemble = () => assembleWasm('adamw.wat', readFileSync(new URL('adamw.wat', import.meta.url), 'utf8'));

await writeAssembled(import.meta.url, 'adamw.wat', 'ADAMW_BASE64', assemble);

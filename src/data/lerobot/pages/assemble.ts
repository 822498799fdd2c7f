/**
 * Assembles kernelText.ts into bytes.ts: `npx tsx src/data/pages/assemble.ts`. Needs the development dependency
 * wabt.
 */
import { assembleWasm, writeAssembled } from '../../../base/assembleWasm.ts';
import { PAGE_KERNEL_TEXT } from './kernelText.ts';

export const assemble = () => assembleWasm('pages.wat', PAGE_KERNEL_TEXT, { bulk_memory: true });

await writeAssembled(import.meta.url, 'kernelText.ts', 'PAGE_KERNEL_BASE64', assemble);

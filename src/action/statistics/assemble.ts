/** Assembles kernelText.ts into bytes.ts: `npx tsx src/action/statistics/assemble.ts`. Needs the development dependency wabt. */
import { assembleWasm, writeAssembled } from '../../base/assembleWasm.ts';
import { KERNEL_TEXT } from './kernelText.ts';

export const assemble = () => assembleWasm('statistics.wat', KERNEL_TEXT);

await writeAssembled(import.meta.url, 'kernelText.ts', 'KERNEL_BASE64', assemble);

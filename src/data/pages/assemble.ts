/** Assembles kernelText.ts into bytes.ts: `npx tsx src/data/pages/assemble.ts`. Needs the development dependency wabt. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import wabt from 'wabt';
import { PAGE_KERNEL_TEXT } from './kernelText.ts';

export async function assemble(): Promise<Uint8Array> {
  const tools = await wabt();
  return tools.parseWat('pages.wat', PAGE_KERNEL_TEXT, { simd: true, bulk_memory: true }).toBinary({}).buffer;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = Buffer.from(await assemble()).toString('base64');
  const lines = (text.match(/.{1,100}/g) ?? []).map((line) => `  '${line}',`);
  writeFileSync(
    fileURLToPath(new URL('bytes.ts', import.meta.url)),
    `/** kernelText.ts assembled by assemble.ts; a test compares the two. */\nexport const PAGE_KERNEL_BASE64 = [\n${lines.join('\n')}\n].join('');\n`,
  );
}

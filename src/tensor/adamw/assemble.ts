/** Assembles adamw.wat into bytes.ts: `npx tsx src/tensor/adamw/assemble.ts`. Needs the development dependency wabt. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import wabt from 'wabt';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** The module's bytes, assembled from adamw.wat. */
export async function assemble(): Promise<Uint8Array> {
  const tools = await wabt();
  return tools.parseWat('adamw.wat', readFileSync(here('adamw.wat'), 'utf8'), { simd: true }).toBinary({}).buffer;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = Buffer.from(await assemble()).toString('base64');
  const lines = (text.match(/.{1,100}/g) ?? []).map((line) => `  '${line}',`);
  writeFileSync(
    here('bytes.ts'),
    `/** adamw.wat assembled by assemble.ts; a test compares the two. */\nexport const ADAMW_BASE64 = [\n${lines.join('\n')}\n].join('');\n`,
  );
}

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import wabt from 'wabt';

// Not part of index.ts: the assembler is a development dependency.

/** The bytes of a module in WebAssembly text with 128-bit vectors and whatever else `features` allow. */
export async function assembleWasm(
  name: string,
  text: string,
  features: { readonly bulk_memory?: boolean } = {},
): Promise<Uint8Array> {
  const tools = await wabt();
  return tools.parseWat(name, text, { simd: true, ...features }).toBinary({}).buffer;
}

/**
 * Writes bytes.ts beside the script at `url`, if that is the program that runs: `constant` holds what was assembled
 * from `source`.
 */
export async function writeAssembled(
  url: string,
  source: string,
  constant: string,
  assemble: () => Promise<Uint8Array>,
): Promise<void> {
  if (process.argv[1] !== fileURLToPath(url)) return;
  const text = Buffer.from(await assemble()).toString('base64');
  const lines = (text.match(/.{1,100}/g) ?? []).map((line) => `  '${line}',`);
  writeFileSync(
    fileURLToPath(new URL('bytes.ts', url)),
    `/** ${source} assembled by assemble.ts; a test compares the two. */\n` +
      `export const ${constant} = [\n${lines.join('\n')}\n].join('');\n`,
  );
}

import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import { numericColumns } from './numericColumns.ts';
import { readColumns } from './parquet.ts';

const forms = new URL('../../test/golden/parquet-pages/', import.meta.url).pathname;
const NAMES = ['action', 'observation.state'] as const;

it('gives what the general reader gives, in whatever form the pages are, and the same errors', async () => {
  const settled = (work: Promise<unknown>) => work.catch((error: Error) => error.message);
  for (const file of readdirSync(forms).filter((name) => name.endsWith('.parquet')))
    for (const names of [NAMES, NAMES.slice(1)]) {
      const path = `${forms}${file}`;
      expect(await settled(numericColumns(path, names)), file).toEqual(await settled(readColumns(path, names)));
    }
});

it('mixes both readers in one call, and names what is missing', async () => {
  const path = `${forms}${readdirSync(forms).find((name) => name.startsWith('plain'))}`;
  await expect(numericColumns(path, ['action', 'nothing'])).rejects.toThrow(/nothing/);
  await expect(numericColumns(`${path}.not`, ['action'])).rejects.toThrow('.not');
});

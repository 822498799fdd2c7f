import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packageRoot } from '../base/index.ts';
import { loadTrainConfig } from './configFile.ts';
import { presets } from './presets.ts';

it('the page on configurations names every key and every preset', async () => {
  const page = await readFile(join(packageRoot(), 'docs/training-config.md'), 'utf8');
  const { model: _, ...config } = await loadTrainConfig('nano');
  const keys = Object.entries(config).flatMap(([key, value]) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.keys(value).map((below) => `${key}.${below}`)
      : [key],
  );
  for (const key of [...keys, ...Object.keys(presets)]) expect(page).toContain(`\`${key}\``);
});

/**
 * Damages the golden checkpoints at random and reads them:
 * `npx tsx interop/checkpoints/fuzz.ts [COUNT] [SEED] [FOLDER...]`, 10,000 in all when left out. Exit code 1 when a
 * reading crashed or gave wrong numbers that a checksum covers.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Random } from '../../src/base/index.ts';
import { fuzz } from '../../test/fuzz/checkpointDamage.ts';

const golden = join(import.meta.dirname, '../../test/golden');
const [count = '10000', seed = '0', ...given] = process.argv.slice(2);
const folders =
  given.length > 0
    ? given
    : ['ocdbt_zarr2', 'ocdbt_zarr3', 'plain_zarr2'].map((name) => join(golden, 'checkpoint-chunks', name));
const place = await mkdtemp(join(tmpdir(), 'valet-fuzz-'));
let bad = 0;
try {
  for (const folder of folders) {
    let slowest = 0;
    let last = performance.now();
    const verdicts = await fuzz(
      folder,
      join(place, 'copy'),
      Math.ceil(Number(count) / folders.length),
      Random.of('fuzz', seed, basename(folder)),
      ({ what, verdict, detail }) => {
        slowest = Math.max(slowest, performance.now() - last);
        last = performance.now();
        if (verdict !== 'WRONG' && verdict !== 'CRASHED') return;
        bad++;
        console.log(`${verdict} ${folder} ${what}: ${detail}`);
      },
    );
    console.log(
      `${folder}: ${Object.entries(verdicts)
        .map(([name, n]) => `${n} ${name}`)
        .join(', ')}; slowest ${slowest.toFixed(0)} ms`,
    );
  }
} finally {
  await rm(place, { recursive: true });
}
process.exit(bad > 0 ? 1 : 0);

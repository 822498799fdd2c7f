// Statistics of a data set: what a network's inputs and outputs are normalised by, as norm_stats.json.
//   npx tsx examples/statistics.ts [DATA]     (without DATA it first makes a small data set in the household)
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { datasetStatistics, makeDemonstrations, openDataset, writeNormStats } from 'valet-vla';
import { CHALLENGE_ROBOT } from 'valet-vla/robot';

const work = await mkdtemp(join(tmpdir(), 'valet-example-'));
let [, , folder] = process.argv;
if (folder === undefined) {
  folder = join(work, 'demos');
  await makeDemonstrations({ tasks: ['turning_on_radio'], episodes: 4, clipSeconds: 2, out: folder, silent: true });
}

const dataset = await openDataset(folder); // LeRobot v2.1 or v3.0
const first = dataset.episodes[0];
console.log(`${dataset.episodes.length} episodes at ${dataset.fps} Hz, the first has ${first?.length} frames`);

const { statistics, frames, chunks } = await datasetStatistics([folder], { workers: 2 });
console.log(`${frames} frames, ${chunks} chunks`);
for (const { name, columns } of CHALLENGE_ROBOT.parts) {
  const range = (numbers: Float64Array) => [...numbers.slice(...columns)].map((x) => x.toFixed(3)).join(' ');
  console.log(`  ${name}: mean ${range(statistics.actions.mean)}; deviation ${range(statistics.actions.std)}`);
}
await writeNormStats(join(work, 'norm_stats.json'), statistics);
await rm(work, { recursive: true });

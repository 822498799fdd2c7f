/**
 * The mean of the weights of checkpoints of one network, as a checkpoint: of a training's end and what it began with,
 * say. Everything but the weights is the last one's (Wortsman et al. 2022, "Model soups").
 *
 *     tsx scripts/averageWeights.ts CHECKPOINT CHECKPOINT... --out FOLDER
 */
import { existsSync } from 'node:fs';
import { cp, mkdir, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { readSafetensors, writeSafetensors } from '../src/tensor/index.ts';

const WEIGHTS = 'params.safetensors';
const { positionals: folders, values } = parseArgs({
  allowPositionals: true,
  options: { out: { type: 'string' } },
});
const { out } = values;
const [first, ...others] = folders;
const last = folders.at(-1);
if (out === undefined || first === undefined || last === undefined || others.length === 0)
  throw new Error('averageWeights: name two checkpoints or more, and --out FOLDER.');
if (existsSync(out)) throw new Error(`averageWeights: ${out} is there already. Name another folder.`);

const mean = await readSafetensors(join(first, WEIGHTS));
for (const [i, folder] of others.entries()) {
  const weights = await readSafetensors(join(folder, WEIGHTS));
  if ([...weights.keys()].sort().join() !== [...mean.keys()].sort().join())
    throw new Error(`averageWeights: ${folder} and ${first} are of other networks: their leaves differ.`);
  for (const [leaf, { data, shape }] of mean) {
    const more = weights.get(leaf);
    if (
      !(data instanceof Float32Array) ||
      !(more?.data instanceof Float32Array) ||
      String(more.shape) !== String(shape)
    )
      throw new Error(`averageWeights: ${leaf} of ${folder} and ${first} are not float32 of one shape.`);
    for (const [k, value] of more.data.entries())
      data[k] = (data[k] as number) + (value - (data[k] as number)) / (i + 2);
  }
}
const part = join(dirname(out), `${basename(out)}.part`);
await mkdir(part, { recursive: true });
const own = new Set([WEIGHTS, 'train.safetensors']);
await cp(last, part, { recursive: true, dereference: true, filter: (path) => !own.has(basename(path)) });
await writeSafetensors(join(part, WEIGHTS), mean);
await rename(part, out);

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { InputError, present } from '../base/index.ts';
import { type Lora, loraBases, type ModelConfig, parameterTree } from '../model/index.ts';
import { isStored, mapSafetensors, type Weight, type Weights, writeSafetensors } from '../tensor/index.ts';

/**
 * The weights that adapters are of, as they were when the run began: the checkpoints hold the merged ones, from which
 * these cannot be had again. Layer by layer, all weights that are not trained: an update reads them from here.
 */
const FILE = 'base.safetensors';

/** Writes the weights that adapters are of beside the checkpoints. */
export async function writeBaseWeights(run: string, lora: Lora | null, frozen: Weights): Promise<void> {
  if (!lora) return;
  const bases = loraBases(lora);
  await writeSafetensors(join(run, FILE), new Map([...frozen].filter(([leaf]) => bases.includes(leaf))));
}

/** Writes all weights that are not trained, unless they lie there already. */
export async function keepWeights(run: string, frozen: Weights): Promise<void> {
  const path = resolve(run, FILE);
  if ([...frozen.values()].every((weight) => isStored(weight) && weight.file === path)) return;
  await writeSafetensors(path, frozen);
}

/** The same weights where they lie there. */
export async function keptWeights(run: string, frozen: Weights): Promise<Weights> {
  const found = frozen.size > 0 ? await mapSafetensors(join(run, FILE)) : new Map<string, Weight>();
  return new Map([...frozen.keys()].map((leaf) => [leaf, present(found.get(leaf), leaf)]));
}

/**
 * What the file holds of a run that goes on, in the file; nothing where the run needs none.
 * @throws InputError when the file is gone, or not of this network
 */
export async function readBaseWeights(run: string, lora: Lora | null, model: ModelConfig): Promise<Weights> {
  const path = join(run, FILE);
  const bases = lora ? loraBases(lora) : [];
  if (!existsSync(path)) {
    if (!lora) return new Map();
    throw new InputError(
      path,
      'is gone. It holds the weights that the adapters are of, and nothing was changed. Put it back, or train into ' +
        'another folder.',
    );
  }
  const found = await mapSafetensors(path);
  for (const { name, shape } of parameterTree(model))
    if ((bases.includes(name) || found.has(name)) && String(found.get(name)?.shape) !== String(shape))
      throw new InputError(path, `does not hold ${name} [${shape}]. Is it of another run?`);
  return found;
}

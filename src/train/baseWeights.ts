import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../base/index.ts';
import { type Lora, loraBases, type ModelConfig, parameterTree } from '../model/index.ts';
import { type Parameters, readSafetensors, writeSafetensors } from '../tensor/index.ts';

/**
 * The weights that adapters are of, as they were when the run began. The checkpoints hold the merged ones, from which
 * these cannot be had again.
 */
const FILE = 'base.safetensors';

/** Writes them beside the checkpoints, once. */
export async function writeBaseWeights(run: string, lora: Lora | null, weights: Parameters): Promise<void> {
  if (!lora) return;
  const bases = loraBases(lora);
  await writeSafetensors(join(run, FILE), new Map([...weights].filter(([leaf]) => bases.includes(leaf))));
}

/** @returns nothing without adapters @throws InputError when the file is gone, or not of this network */
export async function readBaseWeights(run: string, lora: Lora | null, model: ModelConfig): Promise<Parameters> {
  if (!lora) return new Map();
  const path = join(run, FILE);
  if (!existsSync(path))
    throw new InputError(
      path,
      'is gone. It holds the weights that the adapters are of, and nothing was changed. Put it back, or train into ' +
        'another folder.',
    );
  const found = await readSafetensors(path);
  for (const { name, shape } of parameterTree(model))
    if (loraBases(lora).includes(name) && String(found.get(name)?.shape) !== String(shape))
      throw new InputError(path, `does not hold ${name} [${shape}]. Is it of another run?`);
  return found;
}

import { existsSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError, jsonText, type Progress, present, writeFileAside } from '../base/index.ts';
import { robotRecord } from '../robot/index.ts';
import { loadWeight, type Parameters, type Weight, weightRange, writeSafetensors } from '../tensor/index.ts';
import { type CheckpointParts, readCheckpointParts } from './checkpoint.ts';
import { type Int8Parts, int8Parts, type MatrixError, writeInt8 } from './int8/index.ts';
import { type ModelConfig, modelConfig, STATE_BINS, VOCABULARY } from './network/index.ts';

/**
 * The network without what planning never reads: training's heads, and the rows of the vocabulary beyond the state's
 * bins.
 */
export function planningConfig(config: ModelConfig): ModelConfig {
  const vocabSize = Math.min(config.vocabSize, STATE_BINS);
  return modelConfig({ ...config, useFastAuxiliary: false, auxiliary: null, vocabSize });
}

/**
 * Writes an int8 checkpoint of the float32 (or 16-bit) checkpoint `from` into the folder `to`, which must exist: memory
 * for one matrix and for the leaves that stay float32. @returns the rounding error of each matrix. @throws InputError
 * for an int8 source
 */
export async function quantiseCheckpoint(
  from: string,
  to: string,
  options: { progress?: (matrices: number) => Pick<Progress, 'at'> } = {},
): Promise<MatrixError[]> {
  const source = await readCheckpointParts(from);
  if (source.dtype === 'int8') throw new InputError(from, 'is an int8 checkpoint already. Start from the float32 one.');
  const config = planningConfig(source.config);
  const parts = int8Parts(config);
  const leaves = withShortVocabulary(source, config);
  const progress = options.progress?.(parts.matrices.length);
  const errors = await writeInt8(to, config, leaves, { parts, ...(progress && { progress }) });
  await writeRest(to, parts, leaves);
  if (existsSync(join(from, 'assets'))) await cp(join(from, 'assets'), join(to, 'assets'), { recursive: true });
  const worst = errors.reduce((max, { relative }) => Math.max(max, relative), 0);
  await writeFileAside(
    join(to, 'config.json'),
    jsonText({
      format: 1,
      dtype: 'int8',
      model: config,
      robot: robotRecord(source.robot),
      policy: source.policy,
    }),
  );
  await writeFileAside(
    join(to, 'card.json'),
    jsonText({ ...source.card, int8: { matrices: errors.length, worstRelativeError: worst } }),
  );
  return errors;
}

function withShortVocabulary({ parameters }: CheckpointParts, config: ModelConfig): Map<string, Weight> {
  const leaves = new Map(parameters);
  const table = leaves.get(VOCABULARY);
  if (table) leaves.set(VOCABULARY, weightRange(table, 0, [config.vocabSize, config.vlmWidth]));
  return leaves;
}

async function writeRest(to: string, parts: Int8Parts, leaves: ReadonlyMap<string, Weight>): Promise<void> {
  const rest: Parameters = new Map();
  for (const name of parts.leaves) rest.set(name, await loadWeight(present(leaves.get(name), 'leaves.get(name)')));
  await writeSafetensors(join(to, 'params.safetensors'), rest);
}

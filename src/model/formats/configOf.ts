import { join } from 'node:path';
import { z } from 'zod';
import { present, readJson } from '../../base/index.ts';
import { type ModelConfig, type ModelConfigInput, modelConfig } from '../network/index.ts';
import { isValet, type StoredTree } from './openTree.ts';
import { guessConfig } from './recognise.ts';
import { stagesBeside } from './stageTable.ts';

const ConfigFile = z.looseObject({
  model: z.record(z.string(), z.unknown()),
  policy: z.record(z.string(), z.unknown()),
});

/**
 * The configuration of a checkpoint: a Valet checkpoint's own, else what its shapes tell; `known` keys win. @throws
 * InputError
 */
export async function configOf(tree: StoredTree, known: Partial<ModelConfigInput> = {}): Promise<ModelConfig> {
  if (!isValet(tree)) {
    const [tasks, rows] = ['task_embeddings', 'task_stage_embeddings'].map(
      (name) => tree.leaves.get(`${name}/embedding`)?.shape[0],
    );
    const beside =
      known.taskNumStages === undefined && tasks !== undefined && rows !== undefined
        ? await stagesBeside(tree, tasks, rows)
        : undefined;
    return guessConfig(tree.leaves, tree.path, { ...(beside && { taskNumStages: beside }), ...known });
  }
  const file = join(present(tree.folder, 'tree.folder'), 'config.json');
  return modelConfig({ ...(await readJson(file, ConfigFile)).model, ...known }, file);
}

/** The settings of the policy in a Valet checkpoint; none elsewhere. */
export async function policyOf(tree: StoredTree): Promise<Record<string, unknown>> {
  return isValet(tree)
    ? (await readJson(join(present(tree.folder, 'tree.folder'), 'config.json'), ConfigFile)).policy
    : {};
}

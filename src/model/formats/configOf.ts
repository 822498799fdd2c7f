import { type ModelConfig, type ModelConfigInput, modelConfig } from '../network/index.ts';
import type { StoredTree } from './openTree.ts';
import { guessConfig } from './recognise.ts';
import { stagesBeside } from './stageTable.ts';
import { valetConfig } from './valetBeside.ts';

/**
 * The configuration of a checkpoint: what Valet wrote with it, else what its shapes tell; `known` keys win. @throws
 * InputError
 */
export async function configOf(tree: StoredTree, known: Partial<ModelConfigInput> = {}): Promise<ModelConfig> {
  const own = await valetConfig(tree);
  if (own) return modelConfig({ ...own.model, ...known }, own.where);
  const [tasks, rows] = ['task_embeddings', 'task_stage_embeddings'].map(
    (name) => tree.leaves.get(`${name}/embedding`)?.shape[0],
  );
  const beside =
    known.taskNumStages === undefined && tasks !== undefined && rows !== undefined
      ? await stagesBeside(tree, tasks, rows)
      : undefined;
  return guessConfig(tree.leaves, tree.path, { ...(beside && { taskNumStages: beside }), ...known });
}

/** The settings of the policy that Valet wrote; none elsewhere. */
export async function policyOf(tree: StoredTree): Promise<Record<string, unknown>> {
  return (await valetConfig(tree))?.policy ?? {};
}

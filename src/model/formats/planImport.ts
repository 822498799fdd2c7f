import { InputError, present } from '../../base/index.ts';
import { type ModelConfig, parameterTree } from '../network/index.ts';
import type { StoredTree } from './openTree.ts';
import { difference, layoutOf, refuseLora } from './recognise.ts';

/** Rows of a table that grow with the number of tasks. */
const TABLES = ['task_embeddings/embedding', 'task_stage_embeddings/embedding'];

/** What an import does with every leaf. */
export interface ImportPlan {
  /** Names that are copied, whole or as the first rows of a longer table. */
  readonly taken: readonly string[];
  /** Names that are drawn anew. */
  readonly fresh: readonly string[];
  /** Names in the source that the network has no place for. */
  readonly unused: readonly string[];
  /** Tables that get more rows: how many are the source's. */
  readonly extended: ReadonlyMap<string, number>;
}

/**
 * Every leaf of the network that the source has by name is taken; the others stay as they were drawn (the original's
 * loader for a Pi0.5 base). A source with task embeddings is one of the winner's own and must have every leaf.
 * @throws InputError when a shape differs, or when a checkpoint of the winner's lacks a leaf
 */
export function planImport(source: StoredTree, config: ModelConfig): ImportPlan {
  const { missing, extra, wrong } = difference(source.leaves, config);
  refuseLora(source, 'imported');
  const extended = new Map<string, number>();
  for (const { name, shape, expected } of wrong) {
    const rows = present(shape[0], 'shape[0]');
    if (
      !TABLES.includes(name) ||
      shape.length !== 2 ||
      shape[1] !== expected[1] ||
      rows > present(expected[0], 'expected[0]')
    )
      throw new InputError(
        source.path,
        `${name} is [${shape.join(', ')}] (expected [${expected.join(', ')}]). Is the configuration another one?`,
      );
    extended.set(name, rows);
  }
  const layout = layoutOf(source);
  if (missing.length > 0 && layout !== 'pi05') {
    const [{ name, nearest }] = missing as [(typeof missing)[number]];
    const what = missing.length === 1 ? 'parameter is' : 'parameters are';
    const near = nearest ? ` (there is ${nearest})` : '';
    const advice =
      layout === 'pi0' ? 'A π0 checkpoint is another network; start from π0.5.' : 'Only a π0.5 base may lack leaves.';
    throw new InputError(source.path, `${missing.length} ${what} missing, first ${name}${near}. ${advice}`);
  }
  const fresh = new Set(missing.map(({ name }) => name));
  return {
    taken: parameterTree(config).flatMap(({ name }) => (fresh.has(name) ? [] : [name])),
    fresh: [...fresh],
    unused: extra.map(({ name }) => name),
    extended,
  };
}

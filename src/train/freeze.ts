import { InputError, nearest } from '../base/index.ts';
import { type Lora, loraTree, type ModelConfig, type Part, parameterTree } from '../model/index.ts';

/** Parts of the network that can be frozen by name; `vlm` is the original's "PaliGemma/llm without _1". */
const FREEZABLE: Readonly<Record<string, readonly Part[]>> = {
  visionTower: ['vision'],
  vlm: ['vlm', 'embedding'],
  actionExpert: ['expert'],
  flow: ['flow'],
  fast: ['fast'],
  task: ['task'],
  kvTransform: ['kv'],
  state: ['state'],
  auxiliary: ['auxiliary'],
};

/** What of a training configuration says which weights are trained. */
export interface Frozen {
  readonly freeze: readonly string[];
  readonly lora?: Lora | null;
}

/**
 * The leaves that `freeze` names: parts such as `visionTower`, leaves, and patterns of leaf names with `*` for any
 * text. With adapters the vision-language model is frozen whether it is named or not.
 * @throws InputError for adapters that the network cannot have, for a name that fits nothing, and when nothing would be
 *   left to train
 */
export function frozenLeaves(model: ModelConfig, { freeze, lora = null }: Frozen, where?: string): string[] {
  const tree = parameterTree(model);
  const frozen = new Set<string>();
  const at = where === undefined ? 'freeze' : `${where}: freeze`;
  if (lora) loraTree(model, lora, where === undefined ? 'lora' : `${where}: lora`);
  for (const name of lora ? ['vlm', ...freeze] : freeze) {
    const parts = Object.hasOwn(FREEZABLE, name) ? FREEZABLE[name] : undefined;
    const fits = pattern(name);
    const found = tree.filter((leaf) => (parts ? parts.includes(leaf.part) : fits.test(leaf.name)));
    if (found.length === 0) {
      const near = nearest(name, [...Object.keys(FREEZABLE), ...tree.map((leaf) => leaf.name)]);
      throw new InputError(
        at,
        parts
          ? `this network has no part ${name}.`
          : `'${name}' is no part and fits no leaf.${near ? ` Did you mean '${near}'?` : ''} Parts: ` +
              `${Object.keys(FREEZABLE).join(', ')}.`,
      );
    }
    for (const leaf of found) frozen.add(leaf.name);
  }
  if (frozen.size === tree.length && !lora) throw new InputError(at, 'nothing would be left to train.');
  return [...frozen];
}

/** A name with `*` for any text as a regular expression over whole names. */
function pattern(name: string): RegExp {
  return new RegExp(`^${name.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*')}$`);
}

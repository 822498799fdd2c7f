import { CheckpointSwitcher, parseCheckpointMapping } from '../../serve/index.ts';
import { compareExactly, UnknownQuantity } from '../compare.ts';
import type { GoldenCase } from '../goldenCase.ts';
import type { Check } from '../kind.ts';

interface Routing {
  readonly mapping: unknown;
  readonly checkpoint_of_task: readonly string[];
  readonly sequence: readonly {
    readonly task: number;
    readonly checkpoint: string;
    readonly loads: readonly string[];
    readonly same_object_as_before?: boolean;
  }[];
  readonly invalid: readonly { readonly mapping: unknown; readonly case: string; readonly error: string | null }[];
  readonly unknown_task?: { readonly task: number };
}

/** Which checkpoint plans for which task, when one is loaded, and what mappings are refused. */
export function routing(golden: GoldenCase): Check {
  return async (quantity) => {
    const routing = await golden.json<Routing>(quantity.file);
    switch (quantity.tensor ?? quantity.name) {
      case 'checkpoint_of_task': {
        const { byTask } = parseCheckpointMapping(routing.mapping);
        return compareExactly(
          routing.checkpoint_of_task.map((expected, task) => ({
            what: `task ${task}`,
            got: byTask.get(task),
            expected,
          })),
        );
      }
      case 'sequence':
        return compareExactly(await sequence(routing));
      case 'invalid':
        return compareExactly(
          routing.invalid.map(({ mapping, case: what, error }) => ({
            what,
            got: refuses(() => parseCheckpointMapping(mapping)),
            expected: error !== null,
          })),
        );
      case 'unknown_task': {
        const { byTask } = parseCheckpointMapping(routing.mapping);
        return compareExactly([{ what: 'mapped', got: byTask.has(routing.unknown_task!.task), expected: false }]);
      }
      default:
        throw new UnknownQuantity('routing', `${quantity.name} is nothing that routing decides.`);
    }
  };
}

async function sequence({ mapping, sequence }: Routing) {
  let loads: string[] = [];
  const switcher = new CheckpointSwitcher(parseCheckpointMapping(mapping), (name) => {
    loads.push(name);
    return { name };
  });
  const pairs: { what: string; got: unknown; expected: unknown }[] = [];
  let before: object | undefined;
  for (const [i, step] of sequence.entries()) {
    loads = [];
    const got = await switcher.use(step.task);
    const what = `call ${i} (task ${step.task})`;
    pairs.push({ what, got: [got.name, loads], expected: [step.checkpoint, step.loads] });
    if (step.same_object_as_before !== undefined)
      pairs.push({ what: `${what}, same object`, got: got === before, expected: step.same_object_as_before });
    before = got;
  }
  return pairs;
}

function refuses(call: () => unknown): boolean {
  try {
    call();
    return false;
  } catch {
    return true;
  }
}

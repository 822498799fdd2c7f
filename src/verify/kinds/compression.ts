import { compressChunk } from '../../action/index.ts';
import { compareArrays, toleranceOf, UnknownQuantity } from '../compare.ts';
import { type GoldenCase, numbers, rowOf } from '../goldenCase.ts';
import type { Check } from '../kind.ts';

/** Chunks squeezed in time: `<quantity>_<execute>_<keep>_<steps>`, `_plain` without the gripper check. */
export function compression(golden: GoldenCase): Check {
  return async (quantity) => {
    const name = quantity.tensor ?? quantity.name;
    const match = /^(actions|next_prefix|compressed)_((\d+)_(\d+)_(\d+)(_plain)?)$/.exec(name);
    if (!match) throw new UnknownQuantity('compression', `${name} is no quantity of a squeezed chunk.`);
    const [, what, setting, execute, keep, steps, plain] = match as unknown as string[];
    const chunks = await golden.tensor(quantity.file, `chunks_${setting}`);
    const results = Array.from({ length: chunks.shape[0]! }, (_, i) =>
      compressChunk(Float64Array.from(numbers(rowOf(chunks, i))), {
        execute: Number(execute),
        keep: Number(keep),
        steps: Number(steps),
        gripperCheck: !plain,
      }),
    );
    const got = {
      actions: () => results.flatMap(({ actions }) => [...actions]),
      next_prefix: () => results.flatMap(({ nextPrefix }) => [...nextPrefix]),
      compressed: () => results.map(({ compressed }) => Number(compressed)),
    }[what as 'actions']();
    return compareArrays(got, await golden.tensor(quantity.file, name), toleranceOf(quantity));
  };
}

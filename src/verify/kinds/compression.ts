import { compressChunk } from '../../action/index.ts';
import { compareArrays, compareExactly, toleranceOf, UnknownQuantity } from '../compare.ts';
import { type GoldenCase, numbers, rowOf } from '../goldenCase.ts';
import { GOLDEN_ROBOT } from '../goldenRobot.ts';
import type { Check } from '../kind.ts';
import type { Quantity } from '../manifest.ts';

/** Chunks squeezed in time: `<quantity>_<execute>_<keep>_<steps>`, `_plain` without the gripper check. */
export function compression(golden: GoldenCase): Check {
  const { threshold } = golden.config;
  const gripperChange = typeof threshold === 'number' ? { gripperChange: threshold } : {};
  return async (quantity) => {
    const name = quantity.tensor ?? quantity.name;
    if (quantity.file.endsWith('.json')) return variation(golden, quantity, gripperChange);
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
        robot: GOLDEN_ROBOT,
        ...gripperChange,
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

/** Pairs of gripper values around the threshold: whether a chunk that goes from one to the other may be squeezed. */
async function variation(golden: GoldenCase, quantity: Quantity, gripperChange: { gripperChange?: number }) {
  const { columns, rows } = await golden.json<{ columns: string[]; rows: (number | boolean)[][] }>(quantity.file);
  const column = (start: string) => columns.findIndex((name) => name.startsWith(start));
  const [low, high, above] = [column('low'), column('high'), column('above_threshold_float64')];
  if (low < 0 || high < 0 || above < 0) throw new UnknownQuantity('compression', `${quantity.name} is no such table.`);
  const pairs = rows.flatMap((row, i) =>
    GOLDEN_ROBOT.gripperColumns.map((gripper) => {
      const chunk = new Float64Array(2 * GOLDEN_ROBOT.width);
      chunk[gripper] = Number(row[low]);
      chunk[GOLDEN_ROBOT.width + gripper] = Number(row[high]);
      const { compressed } = compressChunk(chunk, {
        execute: 2,
        keep: 0,
        steps: 1,
        robot: GOLDEN_ROBOT,
        ...gripperChange,
      });
      return { what: `row ${i}, column ${gripper}`, got: !compressed, expected: Boolean(row[above]) };
    }),
  );
  return compareExactly(pairs);
}

import { correct } from '../../control/index.ts';
import { compareArrays, toleranceOf, UnknownQuantity } from '../compare.ts';
import { type GoldenCase, numbers } from '../goldenCase.ts';
import type { Check } from '../kind.ts';

type Correction = ReturnType<typeof correct>;

/** What the rules say, by the case's codes. */
const CODES: Readonly<Record<string, (correction: Correction, stage: number) => number>> = {
  action_code: (c) => (c?.openLeft || c?.openRight ? 4 + Number(c.openLeft) + 2 * Number(c.openRight) : 0),
  rule: (c) => (c ? (c.rule === 'turning on radio' ? 1 : 2) : 0),
  stage_after: (c, stage) => c?.stage ?? stage,
};

/** The table of the correction rules over [task, stage, left gripper, right gripper]. */
export function rules(golden: GoldenCase): Check {
  return async (quantity) => {
    const name = quantity.tensor ?? quantity.name;
    const code = CODES[name];
    if (!code) throw new UnknownQuantity('rules', `${name} is nothing that a rule gives.`);
    const expected = await golden.tensor(quantity.file, name);
    const [tasks, stages] = expected.shape as [number, number];
    const values = Array.from(numbers(await golden.tensor(quantity.file, 'gripper_values')));
    const got: number[] = [];
    for (let task = 0; task < tasks; task++)
      for (let stage = 0; stage < stages; stage++)
        for (const left of values) for (const right of values) got.push(code(correct(task, stage, left, right), stage));
    return compareArrays(got, expected, toleranceOf(quantity));
  };
}

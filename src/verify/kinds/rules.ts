import { CHALLENGE_CONTEXT, type Correction, correct, type RuleContext } from '../../control/index.ts';
import { compareArrays, compareExactly, toleranceOf, UnknownQuantity } from '../compare.ts';
import { type GoldenCase, numbers } from '../goldenCase.ts';
import { GOLDEN_ROBOT } from '../goldenRobot.ts';
import type { Check } from '../kind.ts';
import type { Quantity } from '../manifest.ts';

type Said = Correction | undefined;

/** What the rules say, by the case's codes. */
const CODES: Readonly<Record<string, (said: Said, stage: number) => number>> = {
  action_code: (c) => (c?.open.length ? 4 + Number(c.open.includes('left')) + 2 * Number(c.open.includes('right')) : 0),
  rule: (c) => (c ? (c.rule === 'turning-on-radio' ? 1 : 2) : 0),
  stage_after: (c, stage) => c?.stage ?? stage,
};

/** The table of the correction rules over [task, stage, left gripper, right gripper]. */
export function rules(golden: GoldenCase): Check {
  const context = contextOf(golden);
  return async (quantity) => {
    const name = quantity.tensor ?? quantity.name;
    if (quantity.file.endsWith('.json')) return edges(golden, quantity, context);
    const code = CODES[name];
    if (!code) throw new UnknownQuantity('rules', `${name} is nothing that a rule gives.`);
    const expected = await golden.tensor(quantity.file, name);
    const [tasks, stages] = expected.shape as [number, number];
    const values = Array.from(numbers(await golden.tensor(quantity.file, 'gripper_values')));
    const got: number[] = [];
    for (let task = 0; task < tasks; task++)
      for (let stage = 0; stage < stages; stage++)
        for (const left of values)
          for (const right of values)
            got.push(code(correct({ task, stage, grippers: { left, right } }, { context }), stage));
    return compareArrays(got, expected, toleranceOf(quantity));
  };
}

/** The original's robot and table, with the thresholds that the case names. */
function contextOf({ config }: GoldenCase): RuleContext {
  const { open_above: openAbove, closed_below: closedOnNothing } = config;
  const grippers = GOLDEN_ROBOT.grippers.map((gripper) => ({
    ...gripper,
    ...(typeof openAbove === 'number' && { openAbove }),
    ...(typeof closedOnNothing === 'number' && { closedOnNothing }),
  }));
  return { ...CHALLENGE_CONTEXT, robot: { ...GOLDEN_ROBOT, grippers } };
}

interface Edges {
  readonly [name: string]: { readonly columns: readonly string[]; readonly rows: readonly (readonly unknown[])[] };
}

/** A table whose columns say what stands in them: `action_code_task3_stage0_left_is_value_right_open`. */
async function edges(golden: GoldenCase, quantity: Quantity, context: RuleContext) {
  const found = (await golden.json<Edges>(quantity.file))[quantity.tensor ?? quantity.name];
  const value = found?.columns.indexOf('gripper_value') ?? -1;
  if (!found || value < 0) throw new UnknownQuantity('rules', `${quantity.name} is no table of gripper values.`);
  const pairs = found.columns.flatMap((column, at) => {
    const match = /^action_code_task(\d+)_stage(\d+)_left_(is_value|open|closed)_right_(is_value|open|closed)$/.exec(
      column,
    );
    if (!match) return [];
    return found.rows.map((row) => {
      const state = (what: string) => ({ open: 1, closed: -1 })[what] ?? Number(row[value]);
      const [left, right] = [state(match[3]!), state(match[4]!)];
      const said = correct({ task: Number(match[1]), stage: Number(match[2]), grippers: { left, right } }, { context });
      return { what: `${column} at ${row[value]}`, got: CODES['action_code']!(said, 0), expected: row[at] };
    });
  });
  if (pairs.length === 0) throw new UnknownQuantity('rules', `${quantity.name} has no column of action codes.`);
  return compareExactly(pairs);
}

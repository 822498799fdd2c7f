import { type StageState, voteOnStage } from '../../control/index.ts';
import { taskById } from '../../robot/index.ts';
import { compareArrays, toleranceOf, UnknownQuantity } from '../compare.ts';
import { type GoldenCase, numbers, pick } from '../goldenCase.ts';
import type { Check } from '../kind.ts';

/** The stage tracker over sequences of plans: stage and vote history (padded with -1) after each. */
export function stages(golden: GoldenCase): Check {
  return async (quantity) => {
    const name = quantity.tensor ?? quantity.name;
    const expected = await golden.tensor(quantity.file, name);
    const got = await golden.once(`votes ${quantity.file}`, () => vote(golden, quantity.file));
    if (name === 'stage')
      return compareArrays(
        got.map(({ stage }) => stage),
        expected,
        toleranceOf(quantity),
      );
    if (name !== 'history') throw new UnknownQuantity('stages', `${name} is nothing that the tracker keeps.`);
    const width = expected.shape.at(-1)!;
    const padded = got.flatMap(({ history }) => Array.from({ length: width }, (_, i) => history[i] ?? -1));
    return compareArrays(padded, expected, toleranceOf(quantity));
  };
}

/** The state after every plan of every sequence. Settings that the case lists per sequence win over its defaults. */
async function vote(golden: GoldenCase, file: string): Promise<StageState[]> {
  const tensors = await golden.tensors(file);
  const { default_history: historyLength = 3, default_votes: votes = 2, num_stages: table } = golden.config;
  const listed = (name: string, fallback: unknown) => {
    const tensor = tensors.get(name);
    return (s: number) => (tensor ? numbers(tensor)[s]! : Number(fallback));
  };
  const task = numbers(pick(tensors, 'task', file));
  const start = listed('start', 0);
  const history = listed('history_len', historyLength);
  const needed = listed('votes', votes);
  const logits = pick(tensors, 'logits', file);
  const values = numbers(logits);
  const [sequences, plans, classes] = logits.shape as [number, number, number];
  const stagesOf = (id: number) => (Array.isArray(table) ? Number(table[id]) : taskById(id).numStages);
  const out: StageState[] = [];
  for (let s = 0; s < sequences; s++) {
    let state: StageState = { stage: start(s), history: [] };
    const options = { historyLength: history(s), votes: needed(s) };
    for (let p = 0; p < plans; p++) {
      const from = (s * plans + p) * classes;
      const row = Array.from({ length: classes }, (_, i) => values[from + i]!);
      state = voteOnStage(state, row, stagesOf(task[s]!), options);
      out.push(state);
    }
  }
  return out;
}

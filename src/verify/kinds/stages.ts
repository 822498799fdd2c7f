import { taskById } from '../../action/index.ts';
import { type StageState, voteOnStage } from '../../control/index.ts';
import { compareArrays, toleranceOf, UnknownQuantity } from '../compare.ts';
import { type GoldenCase, numbers, pick } from '../goldenCase.ts';
import type { Check } from '../kind.ts';

/** The stage tracker over sequences of plans: stage and vote history (padded with -1) after each. */
export function stages(golden: GoldenCase): Check {
  return async (quantity) => {
    const name = quantity.tensor ?? quantity.name;
    const expected = await golden.tensor(quantity.file, name);
    const got = await golden.once('votes', () => vote(golden, quantity.file));
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

/** The state after every plan of every sequence. */
async function vote(golden: GoldenCase, file: string): Promise<StageState[]> {
  const tensors = await golden.tensors(file);
  const at = (name: string) => numbers(pick(tensors, name, file));
  const [task, start, history, votes, logits] = ['task', 'start', 'history_len', 'votes', 'logits'].map(at) as [
    ArrayLike<number>,
    ArrayLike<number>,
    ArrayLike<number>,
    ArrayLike<number>,
    Float32Array,
  ];
  const [sequences, plans, classes] = pick(tensors, 'logits', file).shape as [number, number, number];
  const out: StageState[] = [];
  for (let s = 0; s < sequences; s++) {
    let state: StageState = { stage: start[s]!, history: [] };
    const options = { historyLength: history[s]!, votes: votes[s]! };
    for (let p = 0; p < plans; p++) {
      const row = logits.subarray((s * plans + p) * classes, (s * plans + p + 1) * classes);
      state = voteOnStage(state, row, taskById(task[s]!).numStages, options);
      out.push(state);
    }
  }
  return out;
}

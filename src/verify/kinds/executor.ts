import { InputError } from '../../base/index.ts';
import { correct, createSession, gripperStates } from '../../control/index.ts';
import type { Picture } from '../../robot/index.ts';
import type { NdArray } from '../../tensor/index.ts';
import { compareArrays, compareExactly, toleranceOf, UnknownQuantity } from '../compare.ts';
import { type GoldenCase, numbers, pick, rowOf } from '../goldenCase.ts';
import { GOLDEN_ROBOT } from '../goldenRobot.ts';
import type { Check } from '../kind.ts';

interface Trace {
  /** What is left out is the original's default. */
  readonly settings: {
    readonly actions_to_execute?: number;
    readonly actions_to_keep?: number;
    readonly execute_in_n_steps?: number;
    readonly history_len?: number;
    readonly votes_to_promote?: number;
    readonly apply_eval_tricks?: boolean;
  };
  readonly resets_before_step?: readonly number[];
  readonly checkpoint_of_task?: Readonly<Record<string, string>> | null;
  readonly plans: readonly Readonly<Record<string, unknown>>[];
}

/** What a replay gave, by the names of the tensors, and a record of every plan in the form of `traces.json`. */
interface Replay {
  readonly values: Readonly<Record<string, readonly (readonly number[])[]>>;
  readonly plans: readonly Readonly<Record<string, unknown>>[];
}

const BLACK: Picture = { width: 1, height: 1, channels: 3, data: new Uint8Array(3) };
const PICTURES: Readonly<Record<string, Picture>> = { head: BLACK, left_wrist: BLACK, right_wrist: BLACK };

/** The serving loop around a scripted policy, step by step. */
export function executor(golden: GoldenCase): Check {
  const traces = () => golden.json<Record<string, Trace>>(golden.file('traces.json'));
  const file = golden.file('traces.safetensors');
  const replayOf = (name: string) =>
    golden.once(`replay ${name}`, async () => replay(golden, file, name, (await traces())[name]));
  return async (quantity) => {
    const name = quantity.tensor ?? quantity.name;
    if (quantity.name.endsWith('plans')) {
      const all = await traces();
      const wanted = [quantity.tensor, quantity.name]
        .map((text) => text?.replace(/\.?plans$/, ''))
        .find((trace) => trace !== undefined && Object.hasOwn(all, trace));
      const pairs: { what: string; got: unknown; expected: unknown }[] = [];
      for (const trace of wanted ? [wanted] : Object.keys(all)) {
        const { plans } = await replayOf(trace);
        pairs.push({ what: `${trace} plans`, got: plans.length, expected: all[trace]!.plans.length });
        all[trace]!.plans.forEach((expected, i) => {
          for (const [key, got] of Object.entries(plans[i] ?? {}))
            if (key in expected) pairs.push({ what: `${trace} plan ${i} ${key}`, got, expected: expected[key] });
        });
      }
      return compareExactly(pairs);
    }
    const at = name.lastIndexOf('.');
    const [trace, what] = [name.slice(0, at), name.slice(at + 1)];
    const got = (await replayOf(trace)).values[what];
    if (!got) throw new UnknownQuantity('executor', `${what} is nothing that a replay gives.`);
    const expected = await golden.tensor(quantity.file, name);
    return compareArrays(what === 'asked_prefix' ? padded(got, expected) : got.flat(), expected, toleranceOf(quantity));
  };
}

/** Prefixes in rows of the recording's size [plans, kept, width]: NaN where there was none, or fewer rows. */
function padded(prefixes: readonly (readonly number[])[], { shape }: NdArray): number[] {
  const size = shape.slice(1).reduce((product, n) => product * n, 1);
  return prefixes.flatMap((rows) => [...rows, ...new Array(Math.max(0, size - rows.length)).fill(Number.NaN)]);
}

async function replay(golden: GoldenCase, file: string, name: string, trace: Trace | undefined): Promise<Replay> {
  if (!trace) throw new InputError(golden.name, `there is no trace ${name}.`);
  const { settings, resets_before_step: resets = [], checkpoint_of_task: checkpoints } = trace;
  const { apply_eval_tricks: tricks = true } = settings;
  const tensors = await golden.tensors(file);
  const at = (what: string) => pick(tensors, `${name}.${what}`, file);
  const [proprio, tasks, answers, logits] = [
    at('proprio'),
    numbers(at('task_id')),
    at('policy_actions'),
    at('policy_logits'),
  ];
  const session = createSession({
    executeActions: settings.actions_to_execute,
    keepActions: settings.actions_to_keep,
    executeSteps: settings.execute_in_n_steps,
    historyLength: settings.history_len,
    votes: settings.votes_to_promote,
    rules: tricks,
    gripperCheck: tricks,
  });
  const values = { action: [], planned: [], stage_after: [], buffer_index_after: [], asked_prefix: [] } as Record<
    string,
    number[][]
  >;
  const plans: Record<string, unknown>[] = [];
  for (let step = 0; step < proprio.shape[0]!; step++) {
    if (resets.includes(step)) session.reset();
    const proprioception = Float32Array.from(numbers(rowOf(proprio, step)));
    session.observe({ proprioception, pictures: PICTURES, taskId: tasks[step]! });
    const planned = session.needsPlan();
    values['planned']!.push([Number(planned)]);
    if (planned) {
      const { taskId, stage, state, prefix } = session.planRequest();
      values['asked_prefix']!.push([...(prefix?.actions ?? [])]);
      const answer = Float64Array.from(numbers(rowOf(answers, plans.length)));
      const ruled = tricks && taskId !== -1;
      const rule = ruled ? correct({ task: taskId, stage, grippers: gripperStates(state, GOLDEN_ROBOT) }) : undefined;
      const stageLogits = Float32Array.from(numbers(rowOf(logits, plans.length)));
      session.accept({ actions: answer, horizon: answers.shape[1]!, stageLogits });
      plans.push({
        ...(checkpoints && { policy: checkpoints[taskId] }),
        step,
        prompt: [taskId, stage],
        has_prefix: prefix !== undefined,
        prefix_rows: prefix?.rows ?? null,
        rule_fired: Number(rule !== undefined && rule.open.length > 0),
        stage_asked: stage,
        subtask_state: stage,
        stage_after_rule: ruled ? (rule?.stage ?? stage) : null,
      });
    }
    values['action']!.push([...session.next()]);
    const { stage, served, rows, history } = session.detail;
    values['stage_after']!.push([stage]);
    values['buffer_index_after']!.push([served]);
    if (planned)
      Object.assign(plans.at(-1)!, {
        compressed: Number(session.note.compressed),
        stage_after_vote: stage,
        history_after: history,
        buffer_rows: rows,
      });
  }
  return { values, plans };
}

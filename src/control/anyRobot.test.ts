import { describe, expect, it } from 'vitest';
import { fakeObservation, parseRobot, robotNamed, robotRecord } from '../robot/index.ts';
import { ruleContext } from './ruleContext.ts';
import { correct } from './rules.ts';
import { createSession } from './session.ts';

const arm = robotNamed('single-arm');
/** A plan of `rows` rows in which every column but the last, the gripper, grows by 0.01 a row. */
const rising = (width: number, rows: number) => ({
  actions: Float64Array.from({ length: rows * width }, (_, i) =>
    i % width === width - 1 ? 1 : 0.01 * Math.floor(i / width),
  ),
  horizon: rows,
  stageLogits: new Float32Array(15),
});

describe('a session of another robot', () => {
  it('gives actions of its width, squeezed without a factor, and says so once', () => {
    const session = createSession({ robot: arm, taskNumStages: [2, 3, 2] });
    expect(session.notices).toEqual([
      'plans are squeezed without a factor: the robot single-arm lacks a base that is told velocities',
      "rules that name stages are off in 3 tasks: these are not the challenge's stages",
    ]);
    session.observe(fakeObservation(arm, { taskId: 2 }));
    expect(session.planRequest().state).toHaveLength(7);
    session.accept(rising(7, 30));
    const actions = Array.from({ length: 20 }, () => session.next());
    expect(actions.map((action) => action.length)).toEqual(new Array(20).fill(7));
    expect(actions.at(-1)![0]).toBeCloseTo(0.25, 6);
    expect(session.needsPlan()).toBe(true);
  });

  it('switches off rules that need a gripper, for a robot without one', () => {
    const { parts, deltas, proprioception, ...rest } = robotRecord(arm);
    const handless = parseRobot({
      ...rest,
      name: 'handless',
      parts: parts.slice(0, 1),
      deltas,
      grippers: [],
      fastColumns: undefined,
      proprioception: { ...proprioception, layouts: [{ name: 'six', length: 6, state: [{ columns: [0, 6] }] }] },
    });
    const { notices } = createSession({
      robot: handless,
      rules: ['empty-gripper', 'missed-grasp', 'blocked-approach'],
    });
    expect(notices.filter((line) => line.startsWith('rule '))).toEqual([
      'rule empty-gripper is off: the robot handless lacks a gripper',
      'rule missed-grasp is off: the robot handless lacks a gripper',
    ]);
  });

  it("applies a rule of one's own after Valet's", () => {
    const session = createSession({
      robot: arm,
      taskNumStages: [1],
      rules: false,
      extraRules: [
        {
          name: 'always-open',
          apply: ({ stage }) => ({ open: ['gripper'], stage, reason: 'to see it open' }),
        },
      ],
    });
    session.observe(fakeObservation(arm));
    session.accept(rising(7, 30));
    const action = session.next();
    expect(action[6]).toBe(1);
    expect(session.note).toMatchObject({ rule: 'always-open', reason: 'to see it open' });
  });

  it("keeps the challenge's rules of whole tasks where stages are semantic, and none where tasks are others", () => {
    const robot = robotNamed('r1pro');
    const closed = { grippers: { left: -1, right: 1 }, stage: 0 };
    const semantic = ruleContext(robot, new Array(100).fill(4));
    expect(correct({ ...closed, task: 3 }, { context: semantic })?.open).toEqual(['left']);
    // Task 0 forbids an empty gripper before stage 2 alone: these are other stages.
    expect(correct({ ...closed, task: 0 }, { context: semantic })).toBeUndefined();
    expect(correct({ ...closed, task: 60 }, { context: semantic })).toBeUndefined();
    expect(correct({ ...closed, task: 1 }, { context: ruleContext(robot, [4, 4, 4]) })).toBeUndefined();
    expect(correct({ ...closed, task: 0 }, { context: ruleContext(robot, [5, 6]) })?.open).toEqual(['left']);
  });
});

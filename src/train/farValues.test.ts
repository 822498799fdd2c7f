import { describe, expect, it } from 'vitest';
import { flatStatistics } from '../../test/support/model.ts';
import { raiseDeviations } from '../action/index.ts';
import type { SampleVisitor } from '../data/index.ts';
import { CHALLENGE_ROBOT, deviationFloors } from '../robot/index.ts';
import { farSamples, farValues, requireNear } from './farValues.ts';

const { width, deltas } = CHALLENGE_ROBOT;
const [joint = 0] = deltas;
const padded = CHALLENGE_ROBOT.paddedWidth;
const nameOf = (sample: number) => `sample ${sample}`;

/** Statistics that saw one joint stand at exactly 0, the other numbers between -1 and 1. */
function still(horizon = 2) {
  const stats = flatStatistics(horizon, padded, width);
  for (const { std } of [stats.state, stats.actions, stats.perTimestep])
    for (let i = joint; i < std.length; i += padded) std[i] = 0;
  return stats;
}
/** `size` samples in which that joint stands at `value` and the command goes `further`. */
const sample = (value: number, further = 0) => {
  const state = new Float32Array(width);
  state[joint] = value;
  const actions = new Float32Array(2 * width);
  for (const row of [0, width]) actions[row + joint] = value + further;
  return { state, actions };
};
const samples = (size: number, value: number, further = 0) => ({
  each: async (visit: SampleVisitor) => {
    const { state, actions } = sample(value, further);
    for (let i = 0; i < size; i++) visit(state, actions, i);
  },
});

describe('data far outside of the statistics', () => {
  it('are told with dimension and distance, the farthest first', async () => {
    const far = await farValues(samples(5, 0.02, 0.01), still(), CHALLENGE_ROBOT);
    expect(far.map(({ what, value }) => [what, Number(value.toFixed(3))])).toEqual([
      ['state', 0.02],
      ['action', 0.01],
    ]);
    expect(far[0]?.deviations).toBeCloseTo(20_000, -1);
    const told = () => requireNear(far, { from: 'stats.json', allow: false, nameOf, log: () => undefined });
    expect(told).toThrow(/stats\.json: the data lie far outside .* in 2 dimensions: state \w+ 0: up to 20000 dev/);
    expect(told).toThrow(/--allow-far/);
  });

  it('are trained on when that is said, or when the statistics are of these very data', async () => {
    const far = await farValues(samples(5, 0.02), still(), CHALLENGE_ROBOT);
    const lines: string[] = [];
    const log = (line: string) => void lines.push(line);
    requireNear(far, { from: 'stats.json', allow: true, nameOf, log });
    requireNear(far, { from: undefined, allow: false, nameOf, log });
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^far outside the statistics in 1 dimensions: state/);
  });

  it("do not exist where deviations have the robot's floors", async () => {
    const raised = raiseDeviations(still(), deviationFloors(CHALLENGE_ROBOT));
    expect(await farValues(samples(5, 0.02, 0.01), raised, CHALLENGE_ROBOT)).toEqual([]);
  });

  it('are told but trained on when only a rare number is far', async () => {
    const rare = {
      each: async (visit: SampleVisitor) => {
        for (let i = 0; i < 1000; i++) {
          const { state, actions } = sample(i === 7 ? 0.3 : 0);
          visit(state, actions, i);
        }
      },
    };
    const far = await farValues(rare, raiseDeviations(still(), deviationFloors(CHALLENGE_ROBOT)), CHALLENGE_ROBOT);
    const lines: string[] = [];
    requireNear(far, { from: 'x', allow: false, nameOf, log: (line) => void lines.push(line) });
    expect(lines[0]).toMatch(/up to 30 deviations .* at sample 7,/);
    expect((await farSamples(rare, still(), CHALLENGE_ROBOT)).map(({ sample }) => sample)).toEqual([7]);
  });
});

import { describe, expect, it } from 'vitest';
import { homeTask } from '../../home/index.ts';
import { officialJson, officialRecord } from './official.ts';

const task = homeTask('turning_on_radio');
const human = { steps: task.meanExpertSteps, distance: task.meanExpertMetres };
const measured = { q: 0.5, steps: 6, distance: { base: 0.25, left: 1, right: 2 } };

describe('official record', () => {
  it('has exactly the evaluator’s form', () => {
    expect(JSON.parse(officialJson(measured, task, 30))).toEqual({
      agent_distance: { base: 0.25, left: 1, right: 2 },
      normalized_agent_distance: {
        base: human.distance.base / 0.25,
        left: human.distance.left,
        right: human.distance.right / 2,
      },
      q_score: { final: 0.5 },
      time: { simulator_steps: 6, simulator_time: 0.2, normalized_time: human.steps / 6 },
    });
    expect(Object.keys(officialRecord(measured, task, 30))).toEqual([
      'agent_distance',
      'normalized_agent_distance',
      'q_score',
      'time',
    ]);
  });

  it('normalised values are human / agent, infinite where the agent did nothing', () => {
    const text = officialJson({ ...measured, distance: { base: 0, left: 1, right: 2 } }, task, 30);
    expect(text).toContain('"base": Infinity');
    expect(() => JSON.parse(text.replaceAll('Infinity', '1e999'))).not.toThrow();
  });
});

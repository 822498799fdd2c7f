import { describe, expect, it } from 'vitest';
import { fakeObservation, picture } from '../../test/support/serve.ts';
import { robotNamed } from '../robot/index.ts';
import { createSession } from './session.ts';
import { Sight } from './sight.ts';

const ROBOT = robotNamed('r1pro');
const options = { mask: [], fillBlack: 2, frozenAfter: 0 };

describe('what a session sees', () => {
  it.each([256, 61] as const)('a masked part at 0, in %i numbers', (length) => {
    const observation = fakeObservation({ length });
    observation.proprioception.fill(0.3, length === 256 ? 253 : 0, length === 256 ? 256 : 3);
    const state = (mask: string[]) => {
      const session = createSession({ mask });
      session.observe(observation);
      return session.planRequest().state;
    };
    expect([...state([]).slice(0, 3)].map((x) => x.toFixed(1))).toEqual(['0.3', '0.3', '0.3']);
    expect([...state(['base-velocity']).slice(0, 3)]).toEqual([0, 0, 0]);
    expect(state(['base-velocity']).slice(3)).toEqual(state([]).slice(3));
    expect(() => createSession({ mask: ['base-velocty'] })).toThrow(
      /no part base-velocty .*Did you mean base-velocity/,
    );
  });

  it('a task by force or by default', () => {
    const task = (given: number, more: object) => {
      const session = createSession(more);
      session.observe(fakeObservation({ taskId: given }));
      return session.detail.taskId;
    };
    expect([task(3, { task: 7 }), task(-1, { task: 7 })]).toEqual([7, 7]);
    expect([task(3, { defaultTask: 7 }), task(-1, { defaultTask: 7 }), task(-1, {})]).toEqual([3, 7, -1]);
  });

  it('the last good picture of a camera that is suddenly black, up to a limit', () => {
    const heard: string[] = [];
    const sight = new Sight(ROBOT, { ...options, onBlack: (camera) => heard.push(camera) });
    const see = (shade: number) => {
      const { pictures } = fakeObservation({ shade: 90 });
      const head = { ...picture(shade, 8, 4), data: picture(shade, 8, 4).data.fill(255) };
      for (let i = 0; i < head.data.length; i++) if (i % 4 !== 3) head.data[i] = shade;
      const observation = { ...fakeObservation(), pictures: { ...pictures, head } };
      return sight.see(observation, true).pictures['head']!.data[0];
    };
    // Black from the beginning is believed; so is black for long.
    expect([0, 50, 0, 2, 0, 0, 60, 0].map(see)).toEqual([0, 50, 50, 50, 0, 0, 60, 60]);
    expect(heard).toEqual(['head', 'head', 'head']);
    sight.reset();
    expect(see(0)).toBe(0);
    const off = new Sight(ROBOT, { ...options, fillBlack: 0 });
    off.see(fakeObservation({ shade: 90 }), true);
    expect(off.see(fakeObservation({ shade: 0 }), true).pictures['head']!.data[0]).toBe(0);
  });

  it('pictures that are drawn on demand are drawn only when a plan is near', () => {
    let drawn = 0;
    const lazily = () => {
      const observation = fakeObservation();
      const pictures = Object.defineProperty({ ...observation.pictures }, 'head', {
        enumerable: true,
        get: () => {
          drawn++;
          return picture(90);
        },
      });
      return { ...observation, pictures };
    };
    const sight = new Sight(ROBOT, options);
    const seen = sight.see(lazily(), false);
    expect(drawn).toBe(0);
    expect(seen.pictures['head']).toEqual(picture(90));
    expect(drawn).toBe(1);
    sight.see(lazily(), true);
    expect(drawn).toBe(2);
  });

  it('a camera that stands still while the robot moves is told, each time beyond the limit', () => {
    const heard: string[] = [];
    const onFrozen = (camera: string, count: number) => heard.push(`${camera} ${count}`);
    const sight = new Sight(ROBOT, { mask: [], fillBlack: 0, frozenAfter: 2, onFrozen });
    const see = (joint: number, head: number) => {
      const { pictures, ...rest } = fakeObservation({ joint, shade: Math.round(100 * joint) });
      sight.see({ ...rest, pictures: { ...pictures, head: picture(head, 8) } }, false);
    };
    for (const step of [1, 2, 3, 4, 5]) see(step / 10, 7);
    expect(heard).toEqual(['head 3', 'head 4']);
    // A robot that holds still sees the same: that says nothing.
    for (const _ of [1, 2, 3]) see(0.5, 7);
    expect(heard).toHaveLength(2);
    see(0.6, 8);
    for (const step of [7, 8]) see(step / 10, 8);
    expect(heard).toHaveLength(2);
    see(0.9, 8);
    expect(heard.at(-1)).toBe('head 3');
    sight.reset();
    for (const step of [1, 2]) see(step / 10, 8);
    const off = new Sight(ROBOT, { mask: [], fillBlack: 0, frozenAfter: 0, onFrozen });
    for (const step of [1, 2, 3, 4, 5, 6]) off.see(fakeObservation({ joint: step / 10 }), false);
    expect(heard).toHaveLength(3);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createExpert } from '../expert/index.ts';
import { openHousehold } from '../tasks/index.ts';
import { PERTURBATION_AXES, PERTURBATIONS } from './axes.ts';
import { tilted } from './light.ts';
import { type Level, type PerturbationSpec, parsePerturbations } from './perturbation.ts';
import { openPerturbed, type PerturbedHousehold } from './perturbedHousehold.ts';

const TRASH = 'picking_up_trash';
const options = { imageSize: 16 };

/** The expert's whole episode, which looks at the head camera now and then. */
async function play(specs: readonly PerturbationSpec[], instance = 3, task = TRASH) {
  const world = await openPerturbed(task, specs, options);
  world.reset(instance);
  const expert = createExpert(world.household);
  const seen: number[] = [];
  const sent: Float32Array[] = [];
  const played: Float32Array[] = [];
  let outcome: ReturnType<PerturbedHousehold['step']> = { done: false, success: false };
  while (!outcome.done) {
    if (world.steps % 10 === 0) {
      const { pictures, proprioception } = world.observation();
      for (const { data } of Object.values(pictures)) seen.push(data.reduce((sum, byte) => sum + byte, 0));
      seen.push(proprioception.reduce((sum, value) => sum + value, 0));
    }
    const action = expert.act().slice();
    outcome = world.step(action);
    sent.push(action);
    played.push(world.executed);
  }
  const [record] = world.perturbations();
  const pose = world.household.pose();
  const close = () => {
    expert.close();
    world.household.close();
  };
  return { world, seen, sent, played, record: record!, pose, outcome, close };
}

describe('perturbations', () => {
  let clean: Awaited<ReturnType<typeof play>>;
  beforeAll(async () => {
    clean = await play([]);
  }, 120_000);
  afterAll(() => clean.close());

  it('are named by axis and level, each axis once', () => {
    expect(parsePerturbations('latency:3, light', PERTURBATION_AXES)).toEqual([
      { axis: 'latency', level: 3 },
      { axis: 'light', level: 2 },
    ]);
    expect(() => parsePerturbations('latncy', PERTURBATION_AXES)).toThrow(/Did you mean latency/);
    for (const text of ['light:0', 'light:4', 'light:1:2', 'light:'])
      expect(() => parsePerturbations(text, PERTURBATION_AXES), text).toThrow(/has no level/);
    expect(() => parsePerturbations('push:1,push:2', PERTURBATION_AXES)).toThrow(/named twice/);
    expect(new Set(PERTURBATION_AXES).size).toBe(PERTURBATIONS.length);
  });

  it('none of them: the clean episode to the last bit', { timeout: 120_000 }, async () => {
    const household = await openHousehold(TRASH, options);
    household.reset(3);
    const expert = createExpert(household);
    while (!household.step(expert.act()).done);
    expect(household.pose()).toEqual(clean.pose);
    expect(household.steps).toBe(clean.world.steps);
    expert.close();
    household.close();
  });

  it.each(PERTURBATION_AXES)(
    '%s strikes, changes the episode, and does the same again',
    { timeout: 240_000 },
    async (axis) => {
      const spec: PerturbationSpec = { axis, level: 3 };
      const first = await play([spec]);
      const second = await play([spec]);
      expect(first.outcome.invalid).toBeUndefined();
      expect(first.record).toMatchObject({ axis, level: 3 });
      expect(first.record.struck).not.toBeNull();
      expect(Object.keys(first.record.proposed).length).toBeGreaterThan(0);
      expect([first.seen, first.pose]).not.toEqual([clean.seen, clean.pose]);
      expect({ ...second.record, seen: second.seen, pose: second.pose }).toEqual({
        ...first.record,
        seen: first.seen,
        pose: first.pose,
      });
      // Another episode in between leaves nothing behind.
      first.world.reset(4);
      first.world.reset(3);
      second.world.reset(3);
      expect(first.world.household.pose()).toEqual(second.world.household.pose());
      expect(first.world.cameraPicture('head')).toEqual(second.world.cameraPicture('head'));
      for (const one of [first, second]) one.close();
    },
  );
});

describe('what each of them does', () => {
  const at = (axis: string, level: Level) => [{ axis, level }] as const;

  it('latency plays what was sent so many steps before, and first the reset pose', { timeout: 120_000 }, async () => {
    const { sent, played, close } = await play(at('latency', 2), 3, 'turning_on_radio');
    expect(played.slice(5)).toEqual(sent.slice(0, -5));
    for (const action of played.slice(0, 5)) expect([...action.slice(0, 3)]).toEqual([0, 0, 0]);
    close();
  });

  it('held actions repeat the last one, from the step that was proposed', { timeout: 120_000 }, async () => {
    const { sent, played, record, close } = await play(at('held-actions', 1), 3, 'turning_on_radio');
    const from = Number(record.proposed['from']);
    expect(record.struck).toBe(from);
    for (let i = from; i < from + 10; i++) expect(played[i]).toEqual(sent[from - 1]);
    expect(played[from + 10]).toEqual(sent[from + 10]);
    close();
  });

  it('a slip lets go of what is held; without anything to hold it never strikes', { timeout: 120_000 }, async () => {
    const { record, close } = await play(at('gripper-slip', 2));
    expect(record.executed).toEqual({ times: 2 });
    close();
    const radio = await play(at('gripper-slip', 2), 3, 'turning_on_radio');
    expect(radio.record).toMatchObject({ struck: null, executed: {} });
    radio.close();
  });

  it('a push moves a base that wants to stand still, a stronger one farther', { timeout: 120_000 }, async () => {
    const moved: number[] = [];
    for (const level of [1, 2, 3] as const) {
      const world = await openPerturbed('turning_on_radio', at('push', level), options);
      world.reset(0);
      const [x, y] = world.household.base;
      const still = world.household.lastAction;
      for (let i = 0; i < 120; i++) world.step(still);
      const [toX, toY] = world.household.base;
      moved.push(Math.hypot(toX - x, toY - y));
      world.household.close();
    }
    expect(moved[0]).toBeGreaterThan(0.02);
    expect(moved[2]).toBeGreaterThan(moved[1]!);
    expect(moved[1]).toBeGreaterThan(moved[0]!);
    expect(moved[2]).toBeLessThan(1.5);
  });

  it('black and frozen cameras fail for as long as they say, and strike when somebody looks', {
    timeout: 120_000,
  }, async () => {
    for (const axis of ['black-camera', 'frozen-camera']) {
      const world = await openPerturbed('turning_on_radio', at(axis, 2), options);
      world.reset(0);
      const [{ proposed }] = world.perturbations() as [ReturnType<typeof world.perturbations>[0]];
      const from = Number(proposed['from']);
      const action = world.household.lastAction;
      action[2] = 0.5;
      const pictures: Uint8Array[] = [];
      while (world.steps < from + 62) {
        pictures.push(world.cameraPicture('head').data);
        world.step(action);
      }
      expect(world.perturbations()[0]!.struck).toBeNull();
      const within = pictures.slice(from, from + 60);
      if (axis === 'black-camera') expect(within.every((data) => data.every((byte) => byte === 0))).toBe(true);
      else expect(within.every((data) => Buffer.compare(data, pictures[from - 1]!) === 0)).toBe(true);
      expect(pictures[from + 61]!.some((byte, i) => byte !== pictures[from]![i])).toBe(true);
      world.reset(0);
      while (world.steps < from + 3) world.step(action);
      void world.observation().pictures['head'];
      expect(world.perturbations()[0]!.struck).toBe(from + 3);
      world.household.close();
    }
  });

  it('sizes change as far as they say, and stand where they stood', { timeout: 60_000 }, async () => {
    const world = await openPerturbed(TRASH, at('object-size', 3), options);
    world.reset(3);
    const { physics } = world.household;
    const size = () => [1, 2, 3].map((i) => physics.views.geomSize[3 * physics.id('geom', `can_${i}`)]! / 0.033);
    expect(size().every((ratio) => [0.7, 1, 1.3].some((one) => Math.abs(one - ratio) < 1e-9))).toBe(true);
    expect(size().some((ratio) => Math.abs(ratio - 1) > 0.2)).toBe(true);
    world.reset(4);
    world.reset(3);
    expect(size().every((ratio) => ratio > 0.69 && ratio < 1.31)).toBe(true);
    world.household.close();
  });

  it('a tilted lamp is as far away as it says', () => {
    const from = [0.35, 0.25, 0.9].map((v) => v / Math.hypot(0.35, 0.25, 0.9)) as [number, number, number];
    for (const around of [0, 1, 4]) {
      const to = tilted(from, 0.7, around);
      expect(Math.hypot(...to)).toBeCloseTo(1, 12);
      expect(from.reduce((sum, v, k) => sum + v * to[k as 0 | 1 | 2], 0)).toBeCloseTo(Math.cos(0.7), 12);
    }
  });
});

import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/support/evaluate.ts';
import { contentOf } from '../../../test/support/killedEvaluation.ts';
import { writeTinyPolicy } from '../../../test/support/model.ts';
import { ArithmeticPlanner, fakeObservation } from '../../../test/support/serve.ts';
import type { PlanRequest } from '../../robot/index.ts';
import { evaluate } from './evaluate.ts';
import { SharedPasses } from './sharedPasses.ts';

const request = (seed: string): PlanRequest => ({
  ...{ taskId: 0, stage: 0, state: new Float32Array(23), pictures: fakeObservation().pictures },
  seed,
});

/** Notes who shared each pass. */
class Noting extends ArithmeticPlanner {
  readonly passes: string[] = [];
  override async plan(requests: readonly PlanRequest[]) {
    this.passes.push(requests.map(({ seed }) => seed).join(''));
    return super.plan(requests);
  }
}

it('a pass begins when all that are under way have asked, or have left', async () => {
  const network = new Noting();
  const shared = new SharedPasses(network, 3);
  const [a, b, c] = [shared.join(undefined), shared.join(undefined), shared.join(undefined)];
  const first = [a.planner.plan([request('a')]), b.planner.plan([request('b')])];
  await new Promise((resolve) => setImmediate(resolve));
  expect(network.passes, 'c may still ask').toEqual([]);
  await Promise.all([...first, c.planner.plan([request('c')])]);
  const second = [b.planner.plan([request('b')]), c.planner.plan([request('c')])];
  a.leave();
  a.leave();
  await Promise.all(second);
  b.leave();
  await c.planner.plan([request('c')]);
  expect(network.passes).toEqual(['abc', 'bc', 'c']);
});

it('an episode that is given up takes its wish for a plan with it', async () => {
  const network = new Noting();
  const shared = new SharedPasses(network, 2);
  const stop = new AbortController();
  const [a, b] = [shared.join(stop.signal), shared.join(undefined)];
  const given = a.planner.plan([request('a')]);
  stop.abort();
  await expect(given).rejects.toMatchObject({ kind: 'interrupted' });
  a.leave();
  await b.planner.plan([request('b')]);
  expect(network.passes).toEqual(['b']);
});

it('environments that share a network come to what each comes to alone, bit for bit', {
  timeout: 1_800_000,
}, async () => {
  const root = await temporaryFolder();
  const folder = join(root, 'policy');
  await writeTinyPolicy(folder);
  const tasks = ['turning_on_radio', 'picking_up_trash'];
  const play = async (environments: number) => {
    const out = join(root, `${environments}`);
    const policy = { kind: 'checkpoint', folder } as const;
    await evaluate({ policy, tasks, instances: [0, 1], maxSteps: 45, out, environments, silent: true });
    return contentOf(out);
  };
  const alone = await play(1);
  expect(Object.keys(alone).filter((name) => name.endsWith('plans.bin'))).toHaveLength(4);
  // Four under way at a time: two tasks in one pass.
  expect(await play(4)).toEqual(alone);
});

it('several environments are refused where plans of a batch may be rounded otherwise', async () => {
  const policy = { kind: 'checkpoint', folder: 'nowhere', planner: { precision: 'float16' } } as const;
  await expect(
    evaluate({ policy, tasks: ['turning_on_radio'], instances: [0], out: 'nowhere', environments: 2 }),
  ).rejects.toThrow(/--environments: of several share a pass on the CPU in float32 alone \(got cpu, float16\)/);
});

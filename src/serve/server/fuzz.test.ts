import { afterEach, expect, it } from 'vitest';
import { fuzz } from '../../../test/fuzz/messages.ts';
import { ArithmeticPlanner, fakeObservation } from '../../../test/support/serve.ts';
import { createPolicy, createSession } from '../../control/index.ts';
import { RemotePolicy } from '../client/remotePolicy.ts';
import { startServer } from './server.ts';

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const thing of opened.splice(0).reverse()) await thing.close();
});

// 100,000 messages against a server process with a real policy: npx tsx test/fuzz/server.ts
it('mutated messages leave the server alive, told nothing of its insides, and another robot undisturbed', async () => {
  const planner = new ArithmeticPlanner();
  const server = await startServer({
    plannerFor: () => planner,
    sessionOptions: { seed: 1 },
    limits: { maxConnectionsPerSecond: 1e6, maxMessagesPerSecond: 1e6 },
  });
  opened.push(server);
  await server.ready;
  const robot = await RemotePolicy.connect(server.urls[0]!);
  opened.push(robot);
  const local = createPolicy({ planner: new ArithmeticPlanner(), session: createSession({ seed: 1 }) });
  let going = true;
  const bystander = (async () => {
    let steps = 0;
    for (; going || steps < 30; steps++) {
      const observation = fakeObservation({ joint: steps / 1000, shade: steps % 200 });
      expect(await robot.act(observation)).toEqual(await local.act(observation));
    }
    return steps;
  })();
  const report = await fuzz(server.urls[0]!, { count: 1500, seed: 'short' });
  going = false;
  expect(report.problems).toEqual([]);
  expect(report.replies).toBeGreaterThan(50);
  expect(report.errors).toBeGreaterThan(500);
  expect(report.unanswered).toBeGreaterThan(5);
  expect(await bystander).toBeGreaterThanOrEqual(30);
  expect((await fetch(`${server.urls[0]!.replace('ws', 'http')}/healthz`)).status).toBe(200);
});

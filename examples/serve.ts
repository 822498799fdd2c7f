// Serves a policy of your own over the official evaluator's wire, then talks to it as an evaluator would.
//   npx tsx examples/serve.ts          (with `--stay` it goes on serving)
import { type Policy, RemotePolicy, startServer, stateOf } from 'valet-vla';
import { CHALLENGE_ROBOT } from 'valet-vla/robot';
import { tryPolicy } from 'valet-vla/testing';

const robot = CHALLENGE_ROBOT; // what the evaluator drives

/** Holds every joint where it is; the base gets no velocity. Each connection is one robot with a policy of its own. */
const holdStill = (): Policy => ({
  async reset() {},
  async act({ proprioception }) {
    const action = stateOf(robot, proprioception);
    for (const column of robot.baseColumns) action[column] = 0;
    return action;
  },
  async close() {},
});

const server = await startServer({ policyFor: holdStill, port: 0, metadata: { policy: 'hold still' } });
const [url = ''] = server.urls;
console.log(`serving at ${url}`);

const remote = await RemotePolicy.connect(url);
const actions = await tryPolicy(remote, robot, { steps: 5, imageSize: 32 });
console.log(
  `${actions.length} replies, the last one: ${[...(actions.at(-1) ?? [])].map((x) => x.toFixed(2)).join(' ')}`,
);
await remote.close();

if (!process.argv.includes('--stay')) await server.close();

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Observation } from '../../src/robot/index.ts';
import { RemotePolicy } from '../../src/serve/index.ts';
import { fakeObservation } from '../../test/support/serve.ts';
import type { Check } from '../check.ts';
import { startBalancer } from './balancer.ts';

const SERVERS = 3;
const ROBOTS = 6;
const STEPS = 45;
const CUT = 25;

/**
 * Several server processes behind a TCP balancer: robots spread over them, get a single server's actions, and go on
 * elsewhere when one is killed.
 */
export const check: Check = async (report) => {
  const first = await Serving.start();
  const servers = [first, ...(await Promise.all(Array.from({ length: SERVERS - 1 }, Serving.start)))];
  const balancer = await startBalancer(servers.map(({ port }) => port));
  try {
    const url = `ws://127.0.0.1:${balancer.port}`;
    const alone = await Promise.all(
      Array.from({ length: ROBOTS }, (_, i) => episode(`ws://127.0.0.1:${first.port}`, i)),
    );
    const started = performance.now();
    const policies = await connectAll(url);
    const counts = await Promise.all(servers.map((server) => server.connections()));
    report(
      `robots are spread over the servers by ${balancer.name}`,
      Math.max(...counts) - Math.min(...counts) <= 1,
      counts.join(', '),
    );
    const together = await Promise.all(policies.map((policy, i) => play(policy, i, 0, CUT)));
    const same = together.flatMap((actions, i) => actions.filter((action, step) => equal(action, alone[i]?.[step])));
    report(
      'with the actions of a single server, to the last bit',
      same.length === ROBOTS * CUT,
      `${same.length} of ${ROBOTS * CUT}`,
    );

    await first.kill();
    const rest = await Promise.all(
      policies.map((policy, i) =>
        play(policy, i, CUT, STEPS).then(
          (actions) => ({ moved: false, actions }),
          // What the evaluator does: it connects again, and the episode goes on with a new plan.
          async () => ({ moved: true, actions: await episode(url, i, CUT) }),
        ),
      ),
    );
    const moved = rest.filter((robot) => robot.moved).length;
    const undisturbed = rest.filter(
      (robot, i) => !robot.moved && robot.actions.every((a, k) => equal(a, alone[i]?.[CUT + k])),
    );
    report('a killed server costs its own robots their connection', moved === counts[0], `${moved} robots`);
    report('the others notice nothing', undisturbed.length === ROBOTS - moved, `${undisturbed.length} robots`);
    report(
      'and its robots go on with another one',
      rest.every(({ actions }) => actions.length === STEPS - CUT),
    );
    const rate = (2 * ROBOTS * STEPS) / ((performance.now() - started) / 1000);
    report('steps a second through the balancer', rate > 0, rate.toFixed(0));
    await Promise.all(policies.map((policy) => policy.close()));
  } finally {
    await balancer.close();
    await Promise.all(servers.map((server) => server.kill()));
  }
};

const seen = (robot: number, step: number): Observation =>
  fakeObservation({ taskId: robot % 3, joint: robot / 20 + step / 500, shade: (37 * robot + step) % 255 });
const equal = (a: Float32Array, b: Float32Array | undefined) => a.every((value, i) => value === b?.[i]);

async function play(policy: RemotePolicy, robot: number, from: number, to: number): Promise<Float32Array[]> {
  const actions: Float32Array[] = [];
  for (let step = from; step < to; step++) actions.push(await policy.act(seen(robot, step)));
  return actions;
}

async function episode(url: string, robot: number, from = 0): Promise<Float32Array[]> {
  const policy = await connect(url);
  try {
    return await play(policy, robot, from, STEPS);
  } finally {
    await policy.close();
  }
}

/** Three tries, as the evaluator has: the balancer may not have noticed yet that a server is gone. */
async function connect(url: string, tries = 3): Promise<RemotePolicy> {
  try {
    return await RemotePolicy.connect(url);
  } catch (error) {
    if (tries <= 1) throw error;
    await new Promise((resolve) => setTimeout(resolve, 500));
    return connect(url, tries - 1);
  }
}

async function connectAll(url: string): Promise<RemotePolicy[]> {
  const policies: RemotePolicy[] = [];
  for (let i = 0; i < ROBOTS; i++) policies.push(await RemotePolicy.connect(url));
  return policies;
}

/** One `valet serve` process with the policy that comes with the package. */
class Serving {
  private constructor(
    readonly port: number,
    private readonly child: ChildProcess,
    private readonly ended: Promise<unknown>,
  ) {}

  static async start(this: void): Promise<Serving> {
    const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
    const args = ['serve', '--checkpoint', 'household', '--port', '0', '--log-level', 'error', '--threads', '1'];
    const child = spawn(process.execPath, ['--import', 'tsx', main, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    const { value } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
    const { listening } = JSON.parse(value) as { listening: string[] };
    const [url = ''] = listening;
    return new Serving(Number(new URL(url).port), child, ended);
  }

  async connections(): Promise<number> {
    const info = (await (await fetch(`http://127.0.0.1:${this.port}/info`)).json()) as { connections: number };
    return info.connections;
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}

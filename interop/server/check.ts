import { fileURLToPath } from 'node:url';
import { pythonWith } from '../../bench/pythonEnvironment.ts';
import { createPolicy, createSession } from '../../src/control/index.ts';
import { CHALLENGE_ROBOT, type Observation } from '../../src/robot/index.ts';
import { RemotePolicy, startServer } from '../../src/serve/index.ts';
import { packMessage, readObservation, unpackMessage } from '../../src/wire/index.ts';
import { ArithmeticPlanner, fakeObservation } from '../../test/support/serve.ts';
import type { Check } from '../check.ts';
import { orSkip, PythonSide } from '../python.ts';
import { checkEvaluator } from './evaluatorCheck.ts';
import { checkKeepalive } from './keepaliveCheck.ts';

const script = (name: string) => fileURLToPath(new URL(name, import.meta.url));
type Reply = {
  error?: string;
  keys: string[];
  dtype: string;
  shape: number[];
  action: number[];
  timing: string[];
  message: string;
};

/**
 * The policy server against the real openpi-client, the codec against Python's msgpack, the remote policy against a
 * Python server; with numpy 1, which that client asks for, and with numpy 2, which it works with too.
 */
export const check: Check = async (report) => {
  for (const numpy of ['numpy-1', 'numpy-2']) {
    const file = script(`requirements/${numpy}.txt`);
    const executable = await orSkip(() => pythonWith(file, (line) => console.log(line), { nothingElse: true }));
    await checkServer(executable, (what, ...rest) => report(`${numpy}: ${what}`, ...rest));
  }
};

async function checkServer(executable: string, report: Parameters<Check>[0]): Promise<void> {
  const side = new PythonSide(executable, script('client.py'));
  const metadata = { server: 'valet', nested: { list: [1, 2.5, 'x', null, true] } };
  const options = { plannerFor: () => new ArithmeticPlanner(), sessionOptions: { seed: 3 }, metadata };
  const server = await startServer(options);
  const locked = await startServer({ ...options, apiKey: 'interop-secret' });
  try {
    await Promise.all([server.ready, locked.ready]);
    const versions = await side.ask<Record<string, string>>({ do: 'versions' });
    const named = Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ');

    const greetings = await Promise.all(
      ['a', 'b'].map((client) => side.ask<{ metadata: object }>({ do: 'connect', client, port: server.port })),
    );
    report(
      'the client connects and reads the metadata',
      greetings.every((g) => JSON.stringify(g.metadata) === JSON.stringify(metadata)),
      named,
    );
    await steps(side, report);

    const refused = await side.ask<Reply>({
      do: 'infer',
      client: 'a',
      ...what(0, 'a'),
      without: ['robot_r1::proprio'],
    });
    report(
      'a refused observation is an error at the client',
      /RuntimeError.*no key for proprioception/s.test(refused.error ?? ''),
      refused.error,
    );
    const other = await side.ask<Reply>({ do: 'infer', client: 'b', ...what(0, 'b') });
    report('and the other client goes on', other.error === undefined && other.action.length === 23);

    const wrong = await side.ask<{ error?: string }>({
      do: 'connect',
      client: 'c',
      port: locked.port,
      key: 'wrong-secret',
    });
    const right = await side.ask<{ error?: string }>({
      do: 'connect',
      client: 'c',
      port: locked.port,
      key: 'interop-secret',
    });
    report('a key is asked for', /401/.test(wrong.error ?? '') && right.error === undefined, wrong.error);
    await codec(side, report);
    await remote(executable, report);
    await checkKeepalive(executable, report);
    await checkEvaluator(executable, report);
  } finally {
    side.close();
    await Promise.all([server.close(), locked.close()]);
  }
}

/** Client a is a 2025 robot, client b one of 2026 by another name. */
const what = (seed: number, client: string) => ({
  seed,
  robot: client === 'a' ? 'robot_r1' : 'other',
  task: client === 'a' ? 1 : 9,
  size: client === 'a' ? 224 : 48,
  proprio: client === 'a' ? 256 : 61,
});

/** Two clients in turn, with resets, each against its own in-process policy, to the last bit. */
async function steps(side: PythonSide, report: Parameters<Check>[0]): Promise<void> {
  const local = {
    a: createPolicy({ planner: new ArithmeticPlanner(), session: createSession({ seed: 3 }) }),
    b: createPolicy({ planner: new ArithmeticPlanner(), session: createSession({ seed: 3 }) }),
  };
  let [equal, forms, bytes] = [0, 0, 0];
  const count = 60;
  for (let step = 0; step < count; step++)
    for (const client of ['a', 'b'] as const) {
      if (step === 0 || step === (client === 'a' ? 25 : 41)) {
        await side.ask({ do: 'reset', client });
        await local[client].reset();
      }
      const reply = await side.ask<Reply>({
        do: 'infer',
        client,
        ...what(100 * step + (client === 'a' ? 0 : 1), client),
        echo: true,
      });
      const message = Uint8Array.from(Buffer.from(reply.message, 'hex'));
      const observation: Observation = readObservation(unpackMessage(message), CHALLENGE_ROBOT).observations[0];
      const expected = await local[client].act(observation);
      if (expected.every((value, i) => value === reply.action[i])) equal++;
      if (
        reply.dtype === '<f4' &&
        reply.shape.join() === '23' &&
        reply.keys.join() === 'action,server_timing' &&
        reply.timing.join() === (step === 0 ? 'infer_ms' : 'infer_ms,prev_total_ms')
      )
        forms++;
      if (Buffer.compare(packMessage(unpackMessage(message, { exactFloats: true })), message) === 0) bytes++;
    }
  report(
    'two interleaved clients get the actions of the in-process policy',
    equal === 2 * count,
    `${equal} of ${2 * count} equal to the last bit`,
  );
  report('every reply has the form of the official server', forms === 2 * count, `${forms} of ${2 * count}`);
  report("the client's observations are written again byte for byte", bytes === 2 * count, `${bytes} of ${2 * count}`);
}

async function codec(side: PythonSide, report: Parameters<Check>[0]): Promise<void> {
  const count = 400;
  let [again, back] = [0, 0];
  for (let seed = 0; seed < count; seed++) {
    const { packed } = await side.ask<{ packed: string }>({ do: 'random', seed });
    const mine = Buffer.from(
      packMessage(unpackMessage(Uint8Array.from(Buffer.from(packed, 'hex')), { exactFloats: true })),
    ).toString('hex');
    if (mine === packed) again++;
    if ((await side.ask<{ packed: string }>({ do: 'repack', packed: mine })).packed === packed) back++;
  }
  report("Python's random messages are read and written again byte for byte", again === count, `${again} of ${count}`);
  report("Python reads and writes Valet's messages byte for byte", back === count, `${back} of ${count}`);
}

async function remote(executable: string, report: Parameters<Check>[0]): Promise<void> {
  const side = new PythonSide(executable, script('policy_server.py'));
  try {
    const { port } = await side.ask<{ port: number }>({});
    const policy = await RemotePolicy.connect(`ws://127.0.0.1:${port}`, { replyTimeoutMs: 20_000 });
    report("Valet's client reads a Python server's metadata", policy.metadata.get('server') === 'python');
    let right = 0;
    for (let step = 0; step < 20; step++) {
      if (step === 10) await policy.reset();
      const observation = fakeObservation({ taskId: step, joint: step / 64, shade: step });
      const action = await policy.act(observation);
      const expected = Float32Array.from(
        observation.proprioception.subarray(158, 158 + CHALLENGE_ROBOT.width),
        (x) => 2 * x + (step < 10 ? 0 : 1),
      );
      [expected[0], expected[1]] = [step, step];
      if (action.every((value, i) => value === expected[i])) right++;
    }
    report('and gets its actions, across a reset', right === 20, `${right} of 20`);
    const bad = fakeObservation();
    bad.proprioception[0] = 1e7;
    const error = await policy.act(bad).then(
      () => 'none',
      (reason: Error) => reason.message,
    );
    report('a text frame of the server is an error', error.includes('failed on purpose'), error);
    await policy.close();
  } finally {
    side.close();
  }
}

import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { createPolicy, createSession } from '../../src/control/index.ts';
import { decodePictures } from '../../src/picture/index.ts';
import { CHALLENGE_ROBOT, type Policy } from '../../src/robot/index.ts';
import { type PolicyServer, startServer } from '../../src/serve/index.ts';
import { readObservation, unpackMessage } from '../../src/wire/index.ts';
import { ArithmeticPlanner } from '../../test/support/serve.ts';
import type { Check } from '../check.ts';
import { PythonSide } from '../python.ts';
import { checkRows } from './rowsCheck.ts';

interface Reply {
  readonly error?: string;
  readonly shape: number[];
  readonly action: number[];
  /** Messages that the client has sent, and how often it has connected again. */
  readonly requests: number;
  readonly reconnects: number;
  readonly metadata: Record<string, unknown>;
  readonly message: string;
}

type Report = Parameters<Check>[0];
const SEED = 11;
const local = () => createPolicy({ planner: new ArithmeticPlanner(), session: createSession({ seed: SEED }) });
const start = (planner: ArithmeticPlanner, port = 0) =>
  startServer({ plannerFor: () => planner, sessionOptions: { seed: SEED }, port, limits: { planTimeoutMs: 20_000 } });

/** The server against a client that behaves as the 2026 evaluator's does. */
export async function checkEvaluator(executable: string, report: Report): Promise<void> {
  const side = new PythonSide(executable, fileURLToPath(new URL('evaluator.py', import.meta.url)));
  const planner = new ArithmeticPlanner();
  let server = await start(planner);
  try {
    await server.ready;
    const { port } = server;
    await chunks(side, port, report);
    await batches(side, port, report);
    await checkRows(side, planner, report);
    await jpegs(side, port, report);
    await resumes(side, port, report);
    await timesOut(side, port, planner, report);
    server = await comesBack(side, server, planner, report);
  } finally {
    side.close();
    await server.close();
  }
}

const what = (seed: number, more: object = {}) => ({
  seed,
  robot: 'robot_r1',
  task: 3,
  size: 32,
  proprio: 61,
  ...more,
});

/** What the in-process policy does with the message that the client sent, or would have sent. */
async function expected(policy: Policy, reply: Reply): Promise<boolean> {
  const message = unpackMessage(Uint8Array.from(Buffer.from(reply.message, 'hex')));
  const [observation] = readObservation(message, CHALLENGE_ROBOT).observations;
  const action = await policy.act({ ...observation, pictures: await decodePictures(observation.pictures) });
  return reply.error === undefined && action.every((number, i) => number === reply.action[i]);
}

async function chunks(side: PythonSide, port: number, report: Report): Promise<void> {
  const plain = local();
  await side.ask({ do: 'connect', client: 'chunks', port, chunk: 10 });
  await side.ask({ do: 'reset', client: 'chunks' });
  let [equal, requests] = [0, 0];
  for (let step = 0; step < 40; step++) {
    if (step === 25) {
      // The rest of the third chunk is dropped, here as there.
      await side.ask({ do: 'reset', client: 'chunks' });
      await plain.reset();
    }
    const reply = await side.ask<Reply>({ do: 'act', client: 'chunks', ...what(step < 25 ? 0 : 1) });
    if (await expected(plain, reply)) equal++;
    requests = reply.requests;
  }
  report('the evaluator fills its chunks of 10', equal === 40, `${equal} of 40 actions, ${requests} requests`);
  report('and sends no more requests than it must', requests === 5, `${requests}`);
}

async function batches(side: PythonSide, port: number, report: Report): Promise<void> {
  const policy = local();
  await side.ask({ do: 'connect', client: 'batch', port });
  let equal = 0;
  for (let step = 0; step < 25; step++) {
    const reply = await side.ask<Reply>({ do: 'act', client: 'batch', ...what(step, { batch: true }) });
    if (reply.shape?.join() === '1,23' && (await expected(policy, reply))) equal++;
  }
  report('a leading batch dimension of 1 comes back', equal === 25, `${equal} of 25`);
}

async function jpegs(side: PythonSide, port: number, report: Report): Promise<void> {
  const policy = local();
  await side.ask({ do: 'connect', client: 'jpeg', port });
  let equal = 0;
  for (let step = 0; step < 25; step++) {
    const data = Buffer.from(Uint8Array.from({ length: 48 * 40 * 3 }, (_, i) => (i * 7 + step * 31) & 255));
    const jpeg = await sharp(data, { raw: { width: 48, height: 40, channels: 3 } })
      .jpeg({ quality: 90 })
      .toBuffer();
    const pictures = ['zed_link', 'left_realsense_link', 'right_realsense_link'].map((camera) => [
      `robot_r1::robot_r1:${camera}:Camera:0::rgb`,
      jpeg.toString('hex'),
    ]);
    const reply = await side.ask<Reply>({
      do: 'act',
      client: 'jpeg',
      ...what(step),
      jpegs: Object.fromEntries(pictures),
    });
    if (await expected(policy, reply)) equal++;
  }
  report('pictures as JPEG files', equal === 25, `${equal} of 25`);
}

/**
 * The network fails in mid-buffer; the client comes back with its session's id and goes on as if nothing had happened.
 */
async function resumes(side: PythonSide, port: number, report: Report): Promise<void> {
  const policy = local();
  const { metadata } = await side.ask<Reply>({ do: 'connect', client: 'resume', port, resume: true });
  let equal = 0;
  let last: Reply | undefined;
  for (let step = 0; step < 45; step++) {
    if (step === 7 || step === 30) await side.ask({ do: 'cut', client: 'resume' });
    last = await side.ask<Reply>({ do: 'act', client: 'resume', ...what(step) });
    if (await expected(policy, last)) equal++;
  }
  report(
    'a session is resumed by its id after the connection was cut',
    equal === 45 &&
      last?.reconnects === 2 &&
      last.metadata['resumed'] === true &&
      typeof metadata['session'] === 'string',
    `${equal} of 45 actions, ${last?.reconnects} reconnects${last?.error ? `, ${last.error}` : ''}`,
  );
}

/** A plan takes longer than the client waits: it connects again, and no late reply is taken for another. */
async function timesOut(side: PythonSide, port: number, planner: ArithmeticPlanner, report: Report): Promise<void> {
  const policy = local();
  await side.ask({ do: 'connect', client: 'slow', port, timeout: 0.5 });
  planner.delayMs = 1200;
  setTimeout(() => (planner.delayMs = 0), 600);
  let equal = 0;
  let reconnects = 0;
  for (let step = 0; step < 25; step++) {
    const reply = await side.ask<Reply>({ do: 'act', client: 'slow', ...what(step) });
    if (await expected(policy, reply)) equal++;
    reconnects = Math.max(reconnects, reply.reconnects ?? 0);
  }
  planner.delayMs = 0;
  report(
    'a client that gave up waiting gets its action anew',
    equal === 25 && reconnects > 0,
    `${equal} of 25, ${reconnects} reconnects`,
  );
}

/** The server is ended and started again on its port in mid-rollout. */
async function comesBack(
  side: PythonSide,
  server: PolicyServer,
  planner: ArithmeticPlanner,
  report: Report,
): Promise<PolicyServer> {
  let policy = local();
  const { port } = server;
  await side.ask({ do: 'connect', client: 'back', port });
  let again = server;
  let equal = 0;
  let last: Reply | undefined;
  for (let step = 0; step < 30; step++) {
    if (step === 12) {
      await server.close();
      again = await start(planner, port);
      policy = local(); // the new server knows nothing of the old one's sessions
    }
    last = await side.ask<Reply>({ do: 'act', client: 'back', ...what(step) });
    if (await expected(policy, last)) equal++;
  }
  report(
    'a server that was started again goes on with a new session',
    equal === 30 && last?.reconnects === 1,
    `${equal} of 30, ${last?.reconnects} reconnects${last?.error ? `, ${last.error}` : ''}`,
  );
  return again;
}

import { WebSocket } from 'ws';
import { Random, ValetError } from '../src/base/index.ts';
import { CHALLENGE_ROBOT, type Observation, type Robot } from '../src/robot/index.ts';
import { observationToWire, packMessage } from '../src/wire/index.ts';

/** A finger of a gripper that is half open, metres. */
const HALF_OPEN = 0.025;

/** What the load and the peer's client send of a robot's proprioception, and what they expect back. */
export const ROBOT_AT_REST = restOf(CHALLENGE_ROBOT);

function restOf({ width, proprioception: { layouts } }: Robot) {
  const [layout] = layouts;
  if (!layout) throw new ValetError('bench server', 'the robot has no proprioception.');
  const fingers = layout.state.flatMap((source) => ('sum' in source ? source.sum : []));
  return { width, length: layout.length, fingers, halfOpen: HALF_OPEN };
}

/** A robot at rest with half-open grippers and pictures of noise, RGBA, `side` pixels square; as bytes on the wire. */
export function observationBytes(side: number, seed: number): Uint8Array {
  const random = Random.of(`bench/${seed}`);
  const { length, fingers } = ROBOT_AT_REST;
  const proprioception = new Float32Array(length);
  for (const finger of fingers) proprioception[finger] = HALF_OPEN;
  const pictures = Object.fromEntries(
    CHALLENGE_ROBOT.cameraNames.map((camera) => {
      const data = Uint8Array.from({ length: side * side * 4 }, () => random.integer(256));
      return [camera, { width: side, height: side, channels: 4, data }];
    }),
  ) as Observation['pictures'];
  return packMessage(observationToWire({ proprioception, pictures, taskId: 0 }));
}

export interface LoadResult {
  readonly seconds: number;
  /** Replies that each client got. */
  readonly perClient: readonly number[];
  readonly errors: readonly string[];
  /** Milliseconds from message to reply, a sample of at most 100,000. */
  readonly ms: readonly number[];
}

export interface LoadOptions {
  readonly clients: number;
  readonly seconds: number;
  readonly message: Uint8Array;
  /** Start an episode over before every message, so that each needs a plan. */
  readonly resetEach: boolean;
  readonly onSecond?: (second: number) => void;
}

const RESET = packMessage({ reset: true });

/** Clients that each send a message as soon as the reply to the one before is there. */
export async function load(url: string, options: LoadOptions): Promise<LoadResult> {
  const { clients, seconds, message, resetEach, onSecond } = options;
  const perClient = new Array<number>(clients).fill(0);
  const errors: string[] = [];
  const ms: number[] = [];
  const sockets = await Promise.all(Array.from({ length: clients }, () => connect(url)));
  const began = performance.now();
  const end = began + 1000 * seconds;
  const timer = setInterval(() => onSecond?.((performance.now() - began) / 1000), 1000);
  await Promise.all(
    sockets.map(
      (socket, i) =>
        new Promise<void>((resolve) => {
          let sent = 0;
          let over = false;
          const step = () => {
            if (performance.now() >= end) {
              over = true;
              socket.close();
              resolve();
              return;
            }
            if (resetEach) socket.send(RESET);
            sent = performance.now();
            socket.send(message);
          };
          socket.on('message', (data, isBinary) => {
            if (!isBinary) errors.push(String(data).slice(0, 200));
            else {
              perClient[i] = (perClient[i] ?? 0) + 1;
              if (ms.length < 100_000) ms.push(performance.now() - sent);
              step();
            }
          });
          socket.on('error', (error) => errors.push(error.message));
          socket.on('close', (code) => {
            if (!over) errors.push(`closed with ${code}`);
            resolve();
          });
          step();
        }),
    ),
  );
  clearInterval(timer);
  return { seconds: (performance.now() - began) / 1000, perClient, errors, ms };
}

/** A connection whose metadata has come. */
function connect(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('message', () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}

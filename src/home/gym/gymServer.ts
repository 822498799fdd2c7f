import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { ValetError } from '../../base/index.ts';
import { packMessage, unpackMessage, type WireValue } from '../../wire/index.ts';
import { GymSession } from './session.ts';

/** Bytes of the length before each message, big-endian. */
const HEADER = 4;
/** No question is longer. */
const MOST_BYTES = 1 << 20;

export interface GymServer {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Serves the household to programs of this machine: TCP on the loopback interface, messages of msgpack with numpy
 * arrays, each after its length in 4 bytes. One connection is one environment.
 * @throws ValetError when the port is taken, or there are no more environments
 */
export async function serveGym({ port = 0, most = 64 }: { port?: number; most?: number } = {}): Promise<GymServer> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    socket.setNoDelay(true);
    if (open.size >= most) {
      send(socket, { error: `there are ${most} environments already. Close one, or raise --environments.` });
      socket.end(() => socket.destroy());
      return;
    }
    open.add(socket);
    const session = new GymSession();
    let asked = Promise.resolve();
    let ended = false;
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      ended = true;
      open.delete(socket);
      void asked.then(() => session.close());
    });
    let waiting = Buffer.alloc(0);
    socket.on('data', (data) => {
      waiting = Buffer.concat([waiting, data]);
      while (waiting.length >= HEADER) {
        const length = waiting.readUInt32BE(0);
        if (length > MOST_BYTES) {
          send(socket, { error: `a message of ${length} bytes (expected ${MOST_BYTES} at most).` });
          socket.end(() => socket.destroy());
          return;
        }
        if (waiting.length < HEADER + length) return;
        const message = waiting.subarray(HEADER, HEADER + length);
        waiting = waiting.subarray(HEADER + length);
        asked = asked.then(async () => {
          if (!ended) send(socket, await answer(session, message));
        });
      }
    });
  });
  server.listen(port, '127.0.0.1');
  await Promise.race([
    once(server, 'listening'),
    once(server, 'error').then(([error]) => {
      throw new ValetError('valet home serve', `port ${port} cannot be used: ${(error as Error).message}.`);
    }),
  ]);
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      for (const socket of open) socket.destroy();
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}

async function answer(session: GymSession, message: Uint8Array) {
  try {
    const words = unpackMessage(message);
    if (!(words instanceof Map)) return { error: 'a message is a map with an op.' };
    return await session.answer(words as Map<unknown, WireValue>);
  } catch (error) {
    return { error: (error as Error).message };
  }
}

function send(socket: Socket, reply: Parameters<typeof packMessage>[0]): void {
  const body = packMessage(reply);
  const header = Buffer.alloc(HEADER);
  header.writeUInt32BE(body.length);
  socket.write(Buffer.concat([header, body]));
}

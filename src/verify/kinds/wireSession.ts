import { dirname, join } from 'node:path';
import { InputError } from '../../base/index.ts';
import { startServer } from '../../serve/index.ts';
import { unpackMessage, type WireMap } from '../../wire/index.ts';
import { compareExactly, type Outcome } from '../compare.ts';
import type { GoldenCase } from '../goldenCase.ts';
import { compareReply, type Pair } from './compareReply.ts';
import {
  BINARY,
  CLOSE,
  chunkOf,
  describeEntry,
  type Entry,
  pairUp,
  type RecordedExchange,
  TEXT,
} from './recordedFrames.ts';
import { Stage } from './scriptedPolicy.ts';
import { WireClient, type WireFrame } from './wireClient.ts';

/**
 * Replays a recorded session against a real server on a loopback port, frame by frame: HTTP answers, the handshake, the
 * metadata, every reply to the byte (but for the times in `server_timing`, whose form is compared), what is not
 * answered, errors and closes. What the policy says is what the recording says. Where the session is one that a robot's
 * own session can play (actions of the robot's width for observations of one robot), it is played a second time by the
 * real session with a planner that plans the recorded actions.
 */
export async function replayRecordedSession(golden: GoldenCase, file: string): Promise<Outcome> {
  const session = await RecordedSession.read(golden, file);
  const pairs = await session.play('any policy');
  if (session.chunk !== undefined) pairs.push(...(await session.play('a robot')));
  return compareExactly(pairs);
}

class RecordedSession {
  private constructor(
    private readonly entries: readonly Entry[],
    private readonly bytes: (entry: Entry) => Buffer,
    private readonly exchanges: ReadonlyMap<Entry, RecordedExchange>,
    /** Actions in each reply where a robot's session can play this one. */
    readonly chunk: number | undefined,
  ) {}

  static async read(golden: GoldenCase, file: string): Promise<RecordedSession> {
    const text = Buffer.from(await golden.bytes(file)).toString('utf8');
    const entries = text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => JSON.parse(line) as Entry);
    const files = new Map<string, Buffer>();
    for (const entry of entries)
      if (entry.file !== undefined && !files.has(entry.file))
        files.set(entry.file, Buffer.from(await golden.bytes(join(dirname(file), entry.file))));
    const bytes = ({ file: name, offset = 0, nbytes = 0 }: Entry) => {
      const part = name === undefined ? Buffer.alloc(0) : files.get(name)!.subarray(offset, offset + nbytes);
      if (part.length !== nbytes) throw new InputError(file, `the recording's bytes end before ${offset + nbytes}.`);
      return part;
    };
    const exchanges = pairUp(entries, bytes);
    return new RecordedSession(entries, bytes, exchanges, chunkOf([...exchanges.values()], bytes));
  }

  async play(by: 'any policy' | 'a robot'): Promise<Pair[]> {
    const stage = new Stage(this.exchanges, this.bytes);
    const greetings = this.entries.filter(({ from, opcode }) => from === 'server' && opcode === BINARY);
    const greeting = (connection: number) => greetings.find((entry) => entry.connection === connection);
    const upgrades = this.entries.filter(({ from, first_line }) => from === 'server' && first_line?.includes(' 101 '));
    const firstGreeting = greetings[0] && unpackMessage(this.bytes(greetings[0]), { exactFloats: true });
    let connected = 0;
    const server = await startServer(
      by === 'a robot'
        ? {
            plannerFor: () => stage,
            sessionOptions: {
              executeActions: this.chunk!,
              executeSteps: this.chunk!,
              keepActions: 0,
              compress: false,
              rules: false,
              taskNumStages: stage.taskNumStages,
            },
            // Json, but for its floats.
            metadata: Object.fromEntries((firstGreeting as WireMap) ?? []) as never,
          }
        : {
            responderFor: () => {
              const connection = upgrades[connected++]?.connection ?? -1;
              const entry = greeting(connection);
              return stage.responder(connection, entry && this.bytes(entry));
            },
          },
    );
    const clients = new Map<number, WireClient>();
    const pairs: Pair[] = [];
    const over = new Set<number>();
    try {
      await server.ready;
      for (const entry of this.entries) {
        if (over.has(entry.connection)) continue;
        const what = `${by === 'a robot' ? 'played by a robot, ' : ''}entry ${entry.n}`;
        try {
          if (by === 'a robot' && !stage.canPlay(entry)) {
            over.add(entry.connection);
            continue;
          }
          const client = clients.get(entry.connection) ?? (await WireClient.open(server.port));
          clients.set(entry.connection, client);
          if (entry.from === 'client') this.send(client, entry, server.port, stage);
          else pairs.push(...(await this.receive(client, entry, what)));
        } catch (error) {
          pairs.push({ what, got: (error as Error).message, expected: `as recorded (${describeEntry(entry)})` });
          over.add(entry.connection);
        }
      }
      for (const [connection, client] of clients)
        if (!over.has(connection))
          pairs.push({
            what: `more from the server on connection ${connection}`,
            got: client.hasMore,
            expected: false,
          });
    } finally {
      for (const client of clients.values()) client.close();
      await server.close();
    }
    return pairs;
  }

  private send(client: WireClient, entry: Entry, port: number, stage: Stage): void {
    if (entry.kind === 'http') {
      const headers = Object.fromEntries(
        Object.entries(entry.headers ?? {}).filter(([, value]) => value !== '(removed)'),
      );
      client.request(entry.first_line!, { host: `127.0.0.1:${port}`, ...headers }, entry.body ?? '');
      return;
    }
    const exchange = this.exchanges.get(entry);
    if (exchange) stage.expect(exchange);
    client.frame(entry.opcode!, this.bytes(entry));
  }

  private async receive(client: WireClient, entry: Entry, what: string): Promise<Pair[]> {
    if (entry.kind === 'http') {
      const answer = await client.answer();
      const status = (line = '') => line.split(' ').slice(0, 2).join(' ');
      const pairs: Pair[] = [{ what, got: status(answer.firstLine), expected: status(entry.first_line) }];
      // What a refusal says is each server's own; that of a success is not.
      const good = /^HTTP\/1\.1 [12]/.test(entry.first_line ?? '');
      const names = ['content-type', ...(good ? ['content-length', 'upgrade', 'sec-websocket-accept'] : [])];
      for (const name of names.filter((each) => entry.headers?.[each] !== undefined)) {
        const fold = (text = '') => (name === 'upgrade' ? text.toLowerCase() : text);
        pairs.push({ what: `${what}, ${name}`, got: fold(answer.headers[name]), expected: fold(entry.headers![name]) });
      }
      const extensions = 'sec-websocket-extensions';
      pairs.push({
        what: `${what}, ${extensions}`,
        got: answer.headers[extensions],
        expected: entry.headers?.[extensions],
      });
      if (good) pairs.push({ what: `${what}, body`, got: answer.body, expected: entry.body ?? '' });
      return pairs;
    }
    const frame = await client.nextFrame();
    const head = ({ fin, rsv, opcode, masked }: Partial<WireFrame>) => ({ fin, rsv, opcode, masked });
    const pairs: Pair[] = [{ what, got: head(frame), expected: head(entry) }];
    if (frame.opcode !== entry.opcode) {
      pairs.push({
        what: `${what}, payload`,
        got: frame.payload.toString('latin1').slice(0, 200),
        expected: describeEntry(entry),
      });
      return pairs;
    }
    if (entry.opcode === CLOSE) {
      const code = frame.payload.length < 2 ? undefined : frame.payload.readUInt16BE(0);
      pairs.push({ what: `${what}, close code`, got: code, expected: entry.close_code });
    } else if (entry.opcode === TEXT) {
      // The recorded server shows its traceback here; Valet says in one line what was wrong.
      const text = frame.payload.toString('utf8');
      pairs.push({ what: `${what}, an error in one line`, got: /^[^\n]{1,600}$/.test(text), expected: true });
    } else pairs.push(...compareReply(frame.payload, this.bytes(entry), what));
    return pairs;
  }
}

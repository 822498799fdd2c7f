import { InputError } from '../../base/index.ts';
import { type Observation, type Planner, type PlanRequest, type Prediction, stateOf } from '../../robot/index.ts';
import type { Responder } from '../../serve/index.ts';
import { Float, type Packable, packMessage, readObservation, unpackMessage } from '../../wire/index.ts';
import { GOLDEN_ROBOT } from '../goldenRobot.ts';
import { actionsOf, BINARY, type Entry, type RecordedExchange, TEXT, tryUnpack, WIDTH } from './recordedFrames.ts';

/** The scripted side: knows which message is on its way, and what the recorded server made of it. */
export class Stage implements Planner {
  readonly imageSize = 8;
  readonly robot = GOLDEN_ROBOT;
  /** The challenge's tasks need not be the recording's. */
  readonly taskNumStages: readonly number[] = Array.from({ length: 1000 }, () => 15);
  /** Observations on their way to a robot's session, none of them planned for yet. */
  private readonly underWay: { readonly exchange: RecordedExchange; readonly observation: Observation }[] = [];

  constructor(
    private readonly exchanges: ReadonlyMap<Entry, RecordedExchange>,
    private readonly bytes: (entry: Entry) => Buffer,
  ) {}

  /** A policy that says what was said, with times of its own. */
  responder(connection: number, greeting: Uint8Array | undefined): Responder {
    const exchanges = [...this.exchanges.values()].filter(
      ({ message }) => message.connection === connection && message.opcode === BINARY,
    );
    let next = 0;
    let previous: number | undefined;
    return {
      ...(greeting && { greeting }),
      respond: () => {
        const started = performance.now();
        const reply = exchanges[next++]?.reply;
        if (!reply) return undefined;
        if (reply.opcode === TEXT) throw new InputError('policy', 'failed as recorded.');
        const value = unpackMessage(this.bytes(reply), { exactFloats: true });
        const timing = value instanceof Map ? value.get('server_timing') : undefined;
        if (timing instanceof Map) {
          const infer: [string, Packable] = ['infer_ms', new Float(performance.now() - started)];
          const total: [string, Packable][] = timing.has('prev_total_ms')
            ? [['prev_total_ms', new Float(previous ?? 0)]]
            : [];
          (value as Map<string, Packable>).set('server_timing', new Map([infer, ...total]) as never);
          previous = performance.now() - started;
        }
        return packMessage(value);
      },
    };
  }

  /** Whether a robot's session does with this entry what the recorded server did. */
  canPlay(entry: Entry): boolean {
    if (entry.kind !== 'frame' || entry.from !== 'client' || entry.opcode !== BINARY) return true;
    const reply = this.exchanges.get(entry)?.reply;
    const value = tryUnpack(this.bytes(entry));
    if (value instanceof Map && value.has('reset')) return reply === undefined;
    if (reply?.opcode === TEXT) return true;
    const actions = reply && actionsOf(this.bytes(reply));
    if (!actions || !(value instanceof Map)) return false;
    try {
      const { observations, asked } = readObservation(value, GOLDEN_ROBOT);
      // A robot's session gives a chunk to who asks for one; the recorded server need not have known chunks.
      const alone = asked.has('chunk') && actions.length === WIDTH;
      return !alone && observations[0].taskId < this.taskNumStages.length;
    } catch {
      return false;
    }
  }

  /** Says that a message is about to be sent. */
  expect(exchange: RecordedExchange): void {
    const value = tryUnpack(this.bytes(exchange.message));
    if (!(value instanceof Map) || value.has('reset')) return;
    try {
      this.underWay.push({ exchange, observation: readObservation(value, GOLDEN_ROBOT).observations[0] });
    } catch {
      // No robot's observation, so no plan is made for it.
    }
  }

  /** The recorded actions as the plan for the observation that was recorded with them. */
  async plan(requests: readonly PlanRequest[]): Promise<Prediction[]> {
    return requests.map((request) => {
      const at = this.underWay.findIndex(({ observation }) => isFor(request, observation));
      const reply = at < 0 ? undefined : this.underWay.splice(at, 1)[0]!.exchange.reply;
      if (reply?.opcode === TEXT) throw new InputError('planner', 'failed as recorded.');
      const actions = Float64Array.from((reply && actionsOf(this.bytes(reply))) ?? new Float32Array(WIDTH * 64));
      return { actions, horizon: actions.length / WIDTH, stageLogits: new Float32Array(15) };
    });
  }

  async close(): Promise<void> {}
}

function isFor({ taskId, state }: PlanRequest, { taskId: task, proprioception }: Observation): boolean {
  const recorded = stateOf(GOLDEN_ROBOT, proprioception);
  return (task === -1 || task === taskId) && recorded.every((value, i) => Object.is(value, state[i]));
}

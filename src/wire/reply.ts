import { InputError } from '../base/index.ts';
import type { Robot } from '../robot/index.ts';
import { type Asked, actionWidth, EXTRAS, lead, type ReplyFacts, type WireExtra, writeExtras } from './extras.ts';
import { NumpyArray } from './numpy.ts';
import { packMessage } from './pack.ts';
import type { WireValue } from './value.ts';

/**
 * The reply to an observation as the official server writes it: `action` float32 [width], or [robots, width], then what
 * was asked for besides.
 */
export function packReply(facts: ReplyFacts, asked: Asked, extras: readonly WireExtra[] = EXTRAS): Uint8Array {
  const { action, robots } = facts;
  return packMessage({
    action: NumpyArray.of(action, [...lead(robots), actionWidth(action, robots)]),
    ...writeExtras(facts, asked, extras),
  });
}

/**
 * A reply's action, float32 [width].
 * @throws InputError when it is missing, or not as many finite numbers as the robot's actions have
 */
export function actionFromWire(message: WireValue, robot: Robot): Float32Array {
  const action = message instanceof Map ? message.get('action') : undefined;
  if (!(action instanceof NumpyArray)) {
    const keys = message instanceof Map ? `keys ${[...message.keys()].map(String).join(', ') || 'none'}` : 'no map';
    const got = action === undefined ? keys : `"action" as ${kindOf(action)}`;
    throw new InputError('reply', `has no array named "action" (got ${got}).`);
  }
  if (action.size !== robot.width || action.dtype.charAt(1) !== 'f')
    throw new InputError(
      'reply',
      `"action" is ${action.dtype} [${action.shape}] ` +
        `(expected ${robot.width} floats, an action of robot ${robot.name}).`,
    );
  return finite('action', action);
}

/**
 * A reply's chunk of actions, one float32 [width] a step, the first equal to its action; undefined when it has none.
 * @throws InputError when it is not rows of as many finite numbers as the robot's actions have
 */
export function chunkFromWire(message: WireValue, { width, name }: Robot): Float32Array[] | undefined {
  const chunk = message instanceof Map ? message.get('action_chunk') : undefined;
  if (chunk === undefined || chunk === null) return undefined;
  if (!(chunk instanceof NumpyArray))
    throw new InputError('reply', `"action_chunk" is ${kindOf(chunk)} (expected an array [steps, ${width}]).`);
  const steps = chunk.size / width;
  if (chunk.shape.at(-1) !== width || chunk.shape.at(-2) !== steps || steps < 1 || chunk.dtype.charAt(1) !== 'f')
    throw new InputError(
      'reply',
      `"action_chunk" is ${chunk.dtype} [${chunk.shape}] (expected floats [steps, ${width}] of robot ${name}).`,
    );
  const values = finite('action_chunk', chunk);
  return Array.from({ length: steps }, (_, step) => values.slice(step * width, (step + 1) * width));
}

function finite(key: string, array: NumpyArray): Float32Array {
  const values = array.float32();
  if (!values.every(Number.isFinite)) throw new InputError('reply', `"${key}" is not finite.`);
  return values;
}

function kindOf(value: WireValue): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value === null) return 'nil';
  return value instanceof Map ? 'a map' : `a ${typeof value === 'object' ? value.constructor.name : typeof value}`;
}

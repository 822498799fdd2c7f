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
  const values = action.float32();
  if (!values.every(Number.isFinite)) throw new InputError('reply', '"action" is not finite.');
  return values;
}

function kindOf(value: WireValue): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value === null) return 'nil';
  return value instanceof Map ? 'a map' : `a ${typeof value === 'object' ? value.constructor.name : typeof value}`;
}

import { InputError, nearest } from '../base/index.ts';
import type { Robot } from '../robot/index.ts';

/** Where a robot's senses stand in a message. */
interface Address {
  readonly what: string;
  readonly pattern: RegExp;
  /** The key that Valet's own client writes. */
  readonly example: string;
}

interface Addresses {
  readonly proprioception: Address;
  readonly cameras: readonly (Address & { readonly camera: string })[];
}

const compiled = new WeakMap<Robot, Addresses>();

/** The robot's addresses, compiled once. */
export function addressesOf(robot: Robot): Addresses {
  let addresses = compiled.get(robot);
  if (!addresses) {
    const { proprioception, cameras } = robot;
    const { address, key } = proprioception;
    addresses = {
      proprioception: { what: 'proprioception', pattern: new RegExp(address), example: key },
      cameras: cameras.map((camera) => ({
        camera: camera.name,
        what: `camera ${camera.name}`,
        pattern: new RegExp(camera.address),
        example: camera.key,
      })),
    };
    compiled.set(robot, addresses);
  }
  return addresses;
}

/** The one key that matches. @throws InputError when there is none, or two robots' */
export function findKey(keys: readonly string[], { what, pattern, example }: Address): string {
  const found = keys.filter((key) => pattern.test(key));
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  if (found.length > 1)
    throw new InputError(
      'observation',
      `has ${found.length} keys for ${what} (${show(found)}); one connection is one robot.`,
    );
  const near = nearest(example, keys);
  const present = near
    ? `the nearest present is "${near.slice(0, 80)}"`
    : keys.length > 0
      ? `present: ${show(keys)}`
      : 'the map has no text keys';
  throw new InputError('observation', `has no key for ${what} (expected one like "${example}"; ${present}).`);
}

function show(keys: readonly string[]): string {
  const some = keys
    .slice(0, 6)
    .map((key) => `"${key.slice(0, 80)}"`)
    .join(', ');
  return keys.length > 6 ? `${some} and ${keys.length - 6} more` : some;
}

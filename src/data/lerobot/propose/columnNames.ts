import type { ActionPart } from '../../../robot/index.ts';
import type { Info } from '../layout.ts';

/**
 * What a feature calls its numbers: `names` as a list, or as an object that holds one list (`{motors: […]}`, `{axes:
 * […]}`); undefined where it names
 * none, or not as many as it has.
 */
export function columnNames(info: Info, feature: string): string[] | undefined {
  const { names, shape } = info.features[feature] ?? {};
  const lists = Array.isArray(names) ? [names] : names && typeof names === 'object' ? Object.values(names) : [];
  const list = lists.find(
    (one): one is string[] => Array.isArray(one) && one.every((name) => typeof name === 'string'),
  );
  return list && list.length === shape?.at(-1) ? list : undefined;
}

/** A name without what only says that it is a position: `left_waist.pos` and `left_waist` are the same joint. */
export const plainName = (name: string): string => name.toLowerCase().replace(/[._](pos|position|qpos)$/, '');

/** What a column is, by its name. */
export interface ColumnMeaning {
  /** Name of the part that it belongs to. */
  readonly part: string;
  readonly kind: ActionPart['kind'];
}

const words = (name: string) =>
  name
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');

const GRIPPER = /gripper|finger|claw/;
const BASE = /^(base|chassis|wheel|wheels|mobile|vx|vy|vz|vyaw|vtheta|wz)$/;
const PLANAR = /^(x|y|theta|yaw|linear|angular)$/;
const VELOCITY = /^(v|vel|velocity)$/;
const JOINT = new RegExp(
  `^(${[
    ...['joint', 'motor', 'arm', 'waist', 'shoulder', 'elbow', 'wrist', 'forearm', 'torso', 'trunk', 'spine'],
    ...['head', 'neck', 'hip', 'knee', 'ankle', 'pan', 'tilt', 'lift', 'flex', 'pos', 'position', 'qpos'],
  ].join('|')})\\d*$`,
);
const BODIES = [
  ['torso', /^(torso|trunk|spine)\d*$/],
  ['head', /^(head|neck)\d*$/],
] as const;

/** Kind and part of a column from the words of its name; `other` where they say nothing that is known. */
export function meaningOf(name: string): ColumnMeaning {
  const all = words(name);
  const has = (pattern: RegExp) => all.some((word) => pattern.test(word));
  const side = ['left', 'right'].find((word) => all.includes(word)) ?? '';
  const sided = (part: string) => (side === '' ? part : side + part.charAt(0).toUpperCase() + part.slice(1));
  if (has(GRIPPER)) return { part: sided('gripper'), kind: 'gripper' };
  if (has(BASE) || (has(PLANAR) && has(VELOCITY))) return { part: 'base', kind: 'base velocity' };
  const body = BODIES.find(([, pattern]) => has(pattern))?.[0] ?? sided('arm');
  if (has(JOINT) && !has(VELOCITY)) return { part: body, kind: 'joint position' };
  return { part: side === '' ? 'other' : sided('other'), kind: 'other' };
}

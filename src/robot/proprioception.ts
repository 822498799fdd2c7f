import { InputError, nearest } from '../base/index.ts';

/** Where each field of a proprioception vector lies: name → [start, end). */
export interface ProprioceptionLayout<Field extends string = string> {
  readonly name: '2025' | '2026';
  readonly length: number;
  readonly fields: Readonly<Record<Field, readonly [number, number]>>;
}

/** Lays fields of the given lengths one after the other. */
function layout<Field extends string>(
  name: '2025' | '2026',
  lengths: readonly (readonly [Field, number])[],
): ProprioceptionLayout<Field> {
  const fields = {} as Record<Field, readonly [number, number]>;
  let at = 0;
  for (const [field, length] of lengths) {
    fields[field] = [at, at + length];
    at += length;
  }
  return { name, length: at, fields };
}

/** R1Pro, challenge of 2025: 256 numbers. The global poses (140:155) must not be used in the standard track. */
export const PROPRIOCEPTION_2025 = layout('2025', [
  ['joint_qpos', 28],
  ['joint_qpos_sin', 28],
  ['joint_qpos_cos', 28],
  ['joint_qvel', 28],
  ['joint_qeffort', 28],
  ['robot_pos', 3],
  ['robot_ori_cos', 3],
  ['robot_ori_sin', 3],
  ['robot_2d_ori', 1],
  ['robot_2d_ori_cos', 1],
  ['robot_2d_ori_sin', 1],
  ['robot_lin_vel', 3],
  ['robot_ang_vel', 3],
  ['arm_left_qpos', 7],
  ['arm_left_qpos_sin', 7],
  ['arm_left_qpos_cos', 7],
  ['arm_left_qvel', 7],
  ['eef_left_pos', 3],
  ['eef_left_quat', 4],
  ['gripper_left_qpos', 2],
  ['gripper_left_qvel', 2],
  ['arm_right_qpos', 7],
  ['arm_right_qpos_sin', 7],
  ['arm_right_qpos_cos', 7],
  ['arm_right_qvel', 7],
  ['eef_right_pos', 3],
  ['eef_right_quat', 4],
  ['gripper_right_qpos', 2],
  ['gripper_right_qvel', 2],
  ['trunk_qpos', 4],
  ['trunk_qvel', 4],
  ['base_qpos', 3],
  ['base_qpos_sin', 3],
  ['base_qpos_cos', 3],
  ['base_qvel', 3],
]);

/** R1Pro, challenge of 2026: 61 numbers. */
export const PROPRIOCEPTION_2026 = layout('2026', [
  ['base_qvel', 3],
  ['arm_left_qpos', 7],
  ['arm_left_qvel', 7],
  ['eef_left_pos', 3],
  ['eef_left_quat', 4],
  ['gripper_left_qpos', 2],
  ['gripper_left_qvel', 2],
  ['arm_right_qpos', 7],
  ['arm_right_qvel', 7],
  ['eef_right_pos', 3],
  ['eef_right_quat', 4],
  ['gripper_right_qpos', 2],
  ['gripper_right_qvel', 2],
  ['trunk_qpos', 4],
  ['trunk_qvel', 4],
]);

export type ProprioceptionField = keyof typeof PROPRIOCEPTION_2025.fields;

/** The fields that become the 23-number state; both layouts have them. */
export const STATE_FIELDS = [
  'base_qvel',
  'trunk_qpos',
  'arm_left_qpos',
  'gripper_left_qpos',
  'arm_right_qpos',
  'gripper_right_qpos',
] as const;

/** The layout of a vector, by its length. @throws InputError for a length that no layout has */
export function proprioceptionLayout(length: number): ProprioceptionLayout {
  if (length === PROPRIOCEPTION_2025.length) return PROPRIOCEPTION_2025;
  if (length === PROPRIOCEPTION_2026.length) return PROPRIOCEPTION_2026;
  throw new InputError(
    'proprioception',
    `a vector of unknown length (got ${length}, expected ${PROPRIOCEPTION_2025.length} (2025) or ${PROPRIOCEPTION_2026.length} (2026)).`,
  );
}

const { fround } = Math;
/** Width in metres between the fingers of an open gripper. */
const MAX_GRIPPER_WIDTH = fround(0.1);

/**
 * The 23-number state [base velocity 3, torso 4, left arm 7, left gripper 1, right arm 7, right gripper 1] of a proprioception vector;
 * a gripper is 2·width/0.1 m − 1 (-1 closed … +1 open), computed in float32 and not clipped, as in the original. Golden case transforms.
 */
export function stateFromProprioception(proprioception: ArrayLike<number>): Float32Array {
  const { fields } = proprioceptionLayout(proprioception.length);
  const state = new Float32Array(23);
  let at = 0;
  for (const field of STATE_FIELDS) {
    const [start, end] = fields[field]!;
    if (field.startsWith('gripper')) {
      const width = fround(fround(proprioception[start]!) + fround(proprioception[start + 1]!));
      state[at++] = fround(2 * fround(width / MAX_GRIPPER_WIDTH)) - 1;
    } else for (let i = start; i < end; i++) state[at++] = proprioception[i]!;
  }
  return state;
}

/** What `encodeProprioception` takes: fields of the 2025 layout, and `robot_ori` (roll, pitch, yaw in rad) from which its cosine and sine come. */
export type ProprioceptionInput = Partial<Record<ProprioceptionField | 'robot_ori', ArrayLike<number> | number>>;

/** Angle field → its cosine and sine fields. */
const ANGLES: readonly (readonly [ProprioceptionField | 'robot_ori', ProprioceptionField, ProprioceptionField])[] = [
  ['joint_qpos', 'joint_qpos_cos', 'joint_qpos_sin'],
  ['robot_ori', 'robot_ori_cos', 'robot_ori_sin'],
  ['robot_2d_ori', 'robot_2d_ori_cos', 'robot_2d_ori_sin'],
  ['arm_left_qpos', 'arm_left_qpos_cos', 'arm_left_qpos_sin'],
  ['arm_right_qpos', 'arm_right_qpos_cos', 'arm_right_qpos_sin'],
  ['base_qpos', 'base_qpos_cos', 'base_qpos_sin'],
];

/**
 * The 256-number vector of 2025 from named fields (positions in rad or m). Cosines and sines are derived from their angles unless they are given;
 * other fields that are not given are 0. @throws InputError when a field that the state needs is missing, is unknown, or has the wrong length
 */
export function encodeProprioception(input: ProprioceptionInput): Float32Array {
  const where = 'encodeProprioception';
  const { fields, length } = PROPRIOCEPTION_2025;
  const out = new Float32Array(length);
  for (const field of STATE_FIELDS) if (input[field] === undefined) throw new InputError(where, `${field} is missing.`);
  const put = (field: ProprioceptionField, values: ArrayLike<number>) => {
    const [start, end] = fields[field];
    if (values.length !== end - start)
      throw new InputError(where, `${field} has the wrong length (got ${values.length}, expected ${end - start}).`);
    out.set(values, start);
  };
  const list = (value: ArrayLike<number> | number) => (typeof value === 'number' ? [value] : value);
  for (const [angle, cos, sin] of ANGLES) {
    const value = input[angle];
    if (value === undefined) continue;
    put(cos, Array.from(list(value), Math.cos));
    put(sin, Array.from(list(value), Math.sin));
  }
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined || name === 'robot_ori') continue;
    if (!(name in fields)) {
      const guess = nearest(name, Object.keys(fields));
      throw new InputError(where, `no field ${name}.${guess ? ` Did you mean ${guess}?` : ''}`);
    }
    put(name as ProprioceptionField, list(value));
  }
  return out;
}

/** The numbers of one field, a view. @throws InputError when the layout has no such field */
export function proprioceptionField(proprioception: Float32Array, name: ProprioceptionField): Float32Array {
  const { fields, name: year } = proprioceptionLayout(proprioception.length);
  const range = fields[name];
  if (!range) throw new InputError('proprioception', `the layout of ${year} has no field ${name}.`);
  return proprioception.subarray(range[0], range[1]);
}

/** One named part of the action vector: columns [start, end). */
export interface ActionPart {
  readonly name: 'base' | 'torso' | 'leftArm' | 'leftGripper' | 'rightArm' | 'rightGripper';
  readonly start: number;
  readonly end: number;
}

/** What the numbers of one action mean, and how wide and long the network's chunks are. */
export interface ActionSpace {
  readonly parts: readonly ActionPart[];
  /** Numbers per action. */
  readonly width: number;
  /** Numbers per action in the network: `width` and zeros. */
  readonly paddedWidth: number;
  /** Actions per chunk. */
  readonly horizon: number;
  /** [width]: true where a chunk is predicted relative to the state at its start, false where it is absolute. */
  readonly deltaMask: readonly boolean[];
  readonly gripperColumns: readonly number[];
  /** The base's velocity commands, columns [start, end). */
  readonly baseColumns: readonly [number, number];
  /** Control steps per second. */
  readonly rate: number;
}

const DELTA_COLUMNS = [3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17, 18, 19, 20, 21];

/**
 * The R1Pro robot: base vx, vy, wz (in -1…+1 of 0.75 m/s, 0.75 m/s, 1 rad/s), torso and arm joint positions (rad), grippers (-1 closed … +1 open).
 * The last torso joint (column 6) is predicted absolutely, as in the original.
 */
export const R1PRO: ActionSpace = {
  parts: [
    { name: 'base', start: 0, end: 3 },
    { name: 'torso', start: 3, end: 7 },
    { name: 'leftArm', start: 7, end: 14 },
    { name: 'leftGripper', start: 14, end: 15 },
    { name: 'rightArm', start: 15, end: 22 },
    { name: 'rightGripper', start: 22, end: 23 },
  ],
  width: 23,
  paddedWidth: 32,
  horizon: 30,
  deltaMask: Array.from({ length: 23 }, (_, i) => DELTA_COLUMNS.includes(i)),
  gripperColumns: [14, 22],
  baseColumns: [0, 3],
  rate: 30,
};

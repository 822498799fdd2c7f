import { subtract } from './geometry.ts';
import type { ExpertWorld, Situation } from './task.ts';

/** Names of `taskInfo`: privileged positions for an auxiliary training signal, never an input of the policy. */
export const TASK_INFO_KEYS = [
  'target_base',
  'destination_base',
  'target_right_hand',
  'destination_right_hand',
].flatMap((name) => ['x', 'y', 'z'].map((axis) => `${name}_${axis}`));

/**
 * [12]: target and destination in the base's frame, then both relative to the right hand (base frame's axes); metres.
 */
export function taskInfo(world: ExpertWorld, { target, destination }: Situation): Float32Array {
  const hand = world.inBase(world.hands.right.tip);
  const points = [world.inBase(target), world.inBase(destination)];
  return Float32Array.from([...points.flat(), ...points.flatMap((point) => subtract(point, hand))]);
}

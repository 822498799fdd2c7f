import type { ActionPart } from './robot.ts';

/** A dimension's number in physical units is its number in the action times `scale`. */
export interface PhysicalUnit {
  readonly unit: string;
  readonly scale: number;
}

/**
 * The physical unit of each dimension of a part. `share of 0.75 m/s, 1 rad/s` are shares of limits, one for each
 * dimension; any other unit is the unit of all of them.
 */
export function physicalUnits({ unit, columns: [start, end] }: Pick<ActionPart, 'unit' | 'columns'>): PhysicalUnit[] {
  const count = end - start;
  const limits = /^share of (.+)$/
    .exec(unit)?.[1]
    ?.split(',')
    .map((limit) => /^\s*([\d.]+) (\S+)\s*$/.exec(limit));
  if (limits?.length === count && limits.every((limit) => limit !== null))
    return limits.map((limit) => ({ scale: Number(limit[1]), unit: String(limit[2]) }));
  return Array.from({ length: count }, () => ({ unit, scale: 1 }));
}

import { Random } from '../../base/index.ts';

/** With so many differences that are not 0 all signs are tried: 65,536 cases. */
const EXACT = 16;
const DRAWS = 100_000;
/** Sums that differ by rounding alone count as equal. */
const SLACK = 1e-12;

/**
 * The paired permutation test (Fisher 1935; Pitman 1937): if the two policies were alike, each pair's difference could
 * as well have the other sign. The statistic is the mean over tasks of the tasks' mean difference.
 * @param tasks the differences of each task
 * @returns the two-sided p: exact up to 16 differences that are not 0, else from 100,000 seeded draws (never 0)
 */
export function signFlipTest(tasks: readonly (readonly number[])[], seed: string): number {
  const parts = tasks
    .flatMap((differences) => differences.map((difference) => difference / differences.length))
    .filter((part) => part !== 0);
  if (parts.length === 0) return 1;
  const observed = Math.abs(parts.reduce((sum, part) => sum + part, 0)) - SLACK;
  return parts.length <= EXACT ? exact(parts, observed) : drawn(parts, observed, Random.of('sign flips', seed));
}

function exact(parts: readonly number[], observed: number): number {
  const cases = 2 ** parts.length;
  let atLeast = 0;
  for (let signs = 0; signs < cases; signs++) {
    let sum = 0;
    for (let i = 0; i < parts.length; i++) sum += (signs >> i) & 1 ? (parts[i] as number) : -(parts[i] as number);
    if (Math.abs(sum) >= observed) atLeast++;
  }
  return atLeast / cases;
}

function drawn(parts: readonly number[], observed: number, random: Random): number {
  let atLeast = 1; // what was observed is one of the cases
  for (let draw = 0; draw < DRAWS; draw++) {
    let [sum, bits] = [0, 0];
    for (let i = 0; i < parts.length; i++) {
      if (i % 32 === 0) bits = random.bits();
      sum += (bits >>> (i % 32)) & 1 ? (parts[i] as number) : -(parts[i] as number);
    }
    if (Math.abs(sum) >= observed) atLeast++;
  }
  return atLeast / (DRAWS + 1);
}

/** Holm's correction (1979) of the p of several tests: reject where it is below the level, and no more than 5 % err. */
export function holm(p: readonly number[]): number[] {
  const order = p.map((value, i) => ({ value, i })).sort((x, y) => x.value - y.value);
  const corrected = new Array<number>(p.length).fill(1);
  let largest = 0;
  order.forEach(({ value, i }, rank) => {
    largest = Math.max(largest, Math.min(1, (p.length - rank) * value));
    corrected[i] = largest;
  });
  return corrected;
}

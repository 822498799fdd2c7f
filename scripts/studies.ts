/**
 * Simulated studies of two policies, with scores of the 2025 winner's shape: how often the interval of `valet compare`
 * covers the true difference, how often its tests err, and what the sequential test saves. Prints two tables.
 */
import { Random } from '../src/base/index.ts';
import { sequentialTest } from '../src/evaluate/compare/betting.ts';
import { differenceInterval } from '../src/evaluate/compare/differenceInterval.ts';
import { type Shape, studies } from '../test/support/studies.ts';

const STUDIES = 10_000;
const SEQUENTIAL = 1_000;
const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
const print = (...cells: readonly (string | number)[]) => process.stdout.write(`| ${cells.join(' | ')} |\n`);

print('tasks', 'instances of each', 'ties', 'policies', 'the 95 % interval covers');
print('---', '---', '---', '---', '---');
for (const [tasks, pairs] of [
  [50, 10],
  [9, 50],
  [2, 50],
  [1, 50],
  [1, 10],
] as const)
  for (const ties of [0, 0.5, 0.8])
    for (const apart of [false, true]) {
      const shape: Shape = { tasks, pairs, ties, apart };
      let covered = 0;
      for (const { differences, truth } of studies(shape, STUDIES, Random.of('coverage', JSON.stringify(shape)))) {
        const { low, high } = differenceInterval(differences);
        if (low <= truth && truth <= high) covered++;
      }
      print(tasks, pairs, percent(ties), apart ? 'differ' : 'are alike', percent(covered / STUDIES));
    }

process.stdout.write('\n');
print(
  'true difference',
  'decides rightly',
  'wrongly',
  'instances until then: mean',
  'a fixed study with 80 % power takes',
);
print('---', '---', '---', '---', '---');
for (const shift of [0, 0.05, 0.1, 0.2, 0.3, 0.5]) {
  const random = Random.of('sequential', String(shift));
  let [right, wrong, used] = [0, 0, 0];
  const most = 500;
  for (let study = 0; study < SEQUENTIAL; study++) {
    const test = sequentialTest();
    while (!test.verdict && test.count < most) test.add(pair(shift, random));
    used += test.count;
    if (test.verdict === 'b' && shift > 0) right++;
    else if (test.verdict) wrong++;
  }
  const square = shift + (1 - shift) / 2; // of a difference, in the mean
  const fixed = shift === 0 ? '–' : Math.ceil(((1.96 + 0.8416) ** 2 * (square - shift ** 2)) / shift ** 2);
  print(
    shift,
    shift === 0 ? '–' : percent(right / SEQUENTIAL),
    percent(wrong / SEQUENTIAL),
    (used / SEQUENTIAL).toFixed(0),
    fixed,
  );
}

/** A difference of two policies that succeed or fail: B wins a share `shift`, half of the others are ties. */
function pair(shift: number, random: Random): number {
  if (random.uniform() < shift) return 1;
  const u = random.uniform();
  return u < 0.25 ? 1 : u < 0.5 ? -1 : 0;
}

/**
 * Simulated studies with scores of the 2025 winner's shape: how often the interval of a policy's q covers the true one,
 * and that of `valet compare` the true difference, how often its sequential test errs, and what that saves. Prints four
 * tables.
 */
import { Random } from '../src/base/index.ts';
import { sequentialTest } from '../src/evaluate/compare/betting.ts';
import { differenceInterval } from '../src/evaluate/compare/differenceInterval.ts';
import { combinedInterval, estimateMean } from '../src/evaluate/scores/meanEstimate.ts';
import { type Shape, type Study, scoreStudies, studies } from '../test/support/studies.ts';

const STUDIES = 10_000;
/** A study of fixed size is planned for a difference that matters. */
const PLANNED = 0.1;
const percent = (value: number) => `${(100 * value).toFixed(1)} %`;
const print = (...cells: readonly (string | number)[]) => process.stdout.write(`| ${cells.join(' | ')} |\n`);

print('tasks', 'episodes of each', 'the 95 % interval of q covers');
print('---', '---', '---');
for (const [tasks, episodes] of [
  [1, 5],
  [1, 10],
  [1, 20],
  [1, 30],
  [1, 50],
  [1, 100],
  [2, 10],
  [9, 10],
  [9, 30],
  [9, 50],
  [50, 10],
] as const) {
  let covered = 0;
  for (const study of scoreStudies({ tasks, episodes }, STUDIES, Random.of('scores', `${tasks} ${episodes}`))) {
    const { low, high } = combinedInterval(study.tasks.map(estimateMean));
    if (low <= study.truth + 1e-12 && study.truth - 1e-12 <= high) covered++;
  }
  print(tasks, episodes, percent(covered / STUDIES));
}

process.stdout.write('\n');
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

/** Instances of a sequential study at most. */
const MOST = 500;

/** Shares of studies that decide for B, and for A, and the instances until then (`MOST` where undecided). */
function decide(study: () => Iterator<number>) {
  let [forB, forA, used] = [0, 0, 0];
  for (let i = 0; i < STUDIES; i++) {
    const test = sequentialTest(0, [0]);
    for (const differences = study(); !test.verdict && test.count < MOST; ) test.add(differences.next().value);
    used += test.count;
    if (test.verdict === 'b') forB++;
    if (test.verdict === 'a') forA++;
  }
  return { forB: forB / STUDIES, forA: forA / STUDIES, instances: used / STUDIES };
}

process.stdout.write('\n');
print('tasks', 'ties', 'says that one is better');
print('---', '---', '---');
for (const [tasks, ties] of [
  [1, 0],
  [1, 0.5],
  [1, 0.8],
  [9, 0.5],
] as const) {
  const random = Random.of('alike', `${tasks} ${ties}`);
  const { forA, forB } = decide(() => alike(tasks, ties, random));
  print(tasks, percent(ties), percent(forA + forB));
}

process.stdout.write('\n');
print(
  'true difference',
  'decides rightly',
  'wrongly',
  'instances until then: mean',
  'a fixed study with 80 % power takes',
  `saved of one planned for ${PLANNED}`,
);
print('---', '---', '---', '---', '---', '---');
for (const shift of [0, 0.05, 0.1, 0.2, 0.3, 0.5]) {
  const random = Random.of('sequential', String(shift));
  const { forB, forA, instances } = decide(() => successes(shift, random));
  print(
    shift,
    shift === 0 ? '–' : percent(forB),
    percent(shift === 0 ? forA + forB : forA),
    instances.toFixed(0),
    shift === 0 ? '–' : fixed(shift),
    percent(1 - instances / fixed(PLANNED)),
  );
}

/** Pairs of a fixed study that finds this difference of `successes` in 80 of 100 cases. */
function fixed(shift: number): number {
  const square = shift + (1 - shift) / 2; // of a difference, in the mean
  return Math.ceil(((1.96 + 0.8416) ** 2 * (square - shift ** 2)) / shift ** 2);
}

/** Differences of two policies that succeed or fail: B wins a share `shift`, half of the others are ties. */
function* successes(shift: number, random: Random): Generator<number, never> {
  for (;;) {
    const won = random.uniform() < shift;
    const u = random.uniform();
    yield won || u < 0.25 ? 1 : u < 0.5 ? -1 : 0;
  }
}

/** Mean differences of two policies with the same scores, over one instance of each task. */
function* alike(tasks: number, ties: number, random: Random): Generator<number, never> {
  const [{ differences }] = [...studies({ tasks, pairs: MOST, ties, apart: false }, 1, random)] as [Study];
  for (let i = 0; ; i++) yield differences.reduce((sum, task) => sum + (task[i] as number), 0) / tasks;
}

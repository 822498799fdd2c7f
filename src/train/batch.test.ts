import { describe, expect, it } from 'vitest';
import {
  type ChunkStatistics,
  CorrelatedNoise,
  deltaChunk,
  normaliseActions,
  normaliseState,
} from '../action/index.ts';
import { Random } from '../base/index.ts';
import type { RawBatch } from '../data/index.ts';
import { BEHAVIOR_STAGES, CHALLENGE_ROBOT } from '../robot/index.ts';
import { BatchMaker, type BatchOptions, flowTimes } from './batch.ts';
import { requireStages } from './data.ts';
import { denseFactor } from './noiseFactor.ts';

const SIZE = 8;
const moments = (n: number) => ({
  mean: new Float64Array(n).fill(0.1),
  std: new Float64Array(n).fill(2),
  q01: new Float64Array(n),
  q99: new Float64Array(n),
});
const statistics: ChunkStatistics = {
  horizon: 30,
  width: 32,
  state: moments(32),
  actions: moments(32),
  perTimestep: moments(960),
};

function raw(): RawBatch {
  const random = Random.of('raw');
  return {
    size: SIZE,
    pictures: Uint8Array.from({ length: SIZE * 3 * 8 * 8 * 3 }, (_, i) => 60 + (i % 100)),
    state: random.fillNormal(new Float32Array(SIZE * 23)),
    actions: random.fillNormal(new Float32Array(SIZE * 690)),
    taskId: new Int32Array(SIZE),
    stage: Int32Array.from({ length: SIZE }, (_, i) => i % 5),
    taskInfo: new Float32Array(SIZE * 2),
    source: { folder: new Int32Array(SIZE), episode: new Int32Array(SIZE), frame: new Int32Array(SIZE) },
  };
}

const maker = (options: Partial<BatchOptions> = {}) =>
  new BatchMaker({
    robot: CHALLENGE_ROBOT,
    taskNumStages: BEHAVIOR_STAGES,
    statistics,
    flowSamples: 2,
    stageNoise: 0.5,
    stateNoise: 0.1,
    pictures: { brightness: 0.1, contrast: 0.1, noise: 3 },
    seed: 1,
    ...options,
  });

describe('BatchMaker', () => {
  it('is a function of seed and step', () => {
    const bytes = (options: Partial<BatchOptions>, step: number) => {
      const arrays = Object.values(maker(options).make(raw(), step)) as Float32Array[];
      return Buffer.concat(arrays.map(({ buffer }) => new Uint8Array(buffer)));
    };
    const once = bytes({}, 7);
    expect(once.equals(bytes({}, 7))).toBe(true);
    expect(once.equals(bytes({}, 8))).toBe(false);
    expect(once.equals(bytes({ seed: 2 }, 7))).toBe(false);
  });

  it.each([2, 4, 8])('makes the rows of %i ranks as it makes those of one', (size) => {
    const source = raw();
    const whole = maker().make(raw(), 3); // pictures change in place
    const pick = (array: Float32Array, rows: readonly number[], groups = 1): number[] => {
      const each = array.length / SIZE / groups;
      return Array.from({ length: groups }, (_, n) => n * SIZE).flatMap((from) =>
        rows.flatMap((row) => [...array.subarray((from + row) * each, (from + row + 1) * each)]),
      );
    };
    for (const rank of [0, size - 1]) {
      const rows = Array.from({ length: SIZE / size }, (_, i) => rank + i * size);
      const own = { ...source, size: rows.length };
      for (const name of ['pictures', 'state', 'actions', 'taskId', 'stage', 'taskInfo'] as const) {
        const Kind = source[name].constructor as Float32ArrayConstructor;
        Object.assign(own, { [name]: Kind.from(pick(source[name] as Float32Array, rows)) });
      }
      const made = maker().make(own, 3, { share: { rank, size } });
      for (const [name, array] of Object.entries(whole))
        expect([...made[name as keyof typeof made]!], `${name} of rank ${rank}`).toEqual(
          pick(array, rows, name === 'whiteNoise' || name === 'time' ? 2 : 1),
        );
    }
  });

  it('changes the pictures of a sample alike wherever it stands in a batch, and wrist cameras in colour alone', () => {
    const samples = raw();
    for (let b = 0; b < SIZE; b++) samples.source.episode[b] = b;
    const bytes = samples.pictures.length / SIZE;
    const backwards = { ...samples, pictures: samples.pictures.slice(), source: { ...samples.source } };
    backwards.source.episode = samples.source.episode.slice().reverse();
    for (let b = 0; b < SIZE; b++)
      backwards.pictures.set(samples.pictures.subarray(b * bytes, (b + 1) * bytes), (SIZE - 1 - b) * bytes);
    const moving = { crop: 0.8, rotate: 5, brightness: 0, contrast: 0, noise: 0 };
    const coloured = { ...moving, colour: 'hsv', brightness: 0.3, saturation: 0.5, noise: 2 } as const;
    for (const pictures of [moving, coloured]) {
      const before = samples.pictures.slice();
      const make = (one: RawBatch) => maker({ pictures }).make({ ...one, pictures: one.pictures.slice() }, 3);
      const [ahead, back] = [make(samples), make(backwards)];
      expect(samples.pictures).toEqual(before);
      const row = (images: Uint8Array, b: number) => images.subarray(b * bytes, (b + 1) * bytes);
      const camera = (images: Uint8Array, b: number, c: number) =>
        images.subarray((3 * b + c) * 192, (3 * b + c + 1) * 192);
      for (let b = 0; b < SIZE; b++) {
        expect(row(back.images, SIZE - 1 - b)).toEqual(row(ahead.images, b));
        expect(camera(ahead.images, b, 0)).not.toEqual(camera(before, b, 0));
        if (pictures === moving) expect(camera(ahead.images, b, 1)).toEqual(camera(before, b, 1));
      }
      const later = maker({ pictures }).make({ ...samples, pictures: before.slice() }, 4);
      expect(later.images).not.toEqual(ahead.images);
      const { images: _, ...rest } = ahead;
      const { images: __, ...still } = maker({ pictures: { brightness: 0, contrast: 0, noise: 0 } }).make(raw(), 3);
      expect(rest).toEqual(still);
    }
  });

  it("takes tasks and stages of the network, beyond the challenge's 50", () => {
    const taskNumStages = Array.from({ length: 60 }, () => 5);
    const beyond = (): RawBatch => ({ ...raw(), taskId: new Int32Array(SIZE).fill(59) });
    expect(() => requireStages(beyond(), taskNumStages)).not.toThrow();
    expect(() => requireStages(beyond(), taskNumStages.slice(0, 50))).toThrow(/no task 59 \(it has 0…49\).*--tasks/);
    expect(() => requireStages(beyond(), taskNumStages.fill(4))).toThrow(
      'stage 4 is out of range (task 59 has 4 stages)',
    );
    const given = maker({ taskNumStages: taskNumStages.fill(5), stageNoise: 0 }).make(beyond(), 1);
    expect(given.toldStage).toEqual(given.stage);
    const told = Array.from({ length: 40 }, (_, step) => maker({ taskNumStages }).make(beyond(), step).toldStage);
    expect(Math.max(...told.flatMap((stages) => [...stages]))).toBe(4);
  });

  it('shows the named cameras in their order, and leaves everything else alone', () => {
    const still = { still: true };
    const distinct = (): RawBatch => ({ ...raw(), pictures: raw().pictures.map((_, i) => Math.floor(i / 192) % 251) });
    const all = maker().make(distinct(), 3, still);
    const some = maker({ cameras: ['right_wrist', 'head'] }).make(distinct(), 3, still);
    const picture = (images: Uint8Array, place: number) => images.subarray(place * 192, (place + 1) * 192);
    for (let b = 0; b < SIZE; b++) {
      expect(picture(some.images, 2 * b)).toEqual(picture(all.images, 3 * b + 2));
      expect(picture(some.images, 2 * b + 1)).toEqual(picture(all.images, 3 * b));
    }
    expect({ ...some, images: all.images }).toEqual(all);
    expect(() => maker({ cameras: ['ceiling'] })).toThrow(/no camera 'ceiling'/);
  });

  it('gives FAST ids of the delta chunks, cut off or padded, and leaves everything else alone', () => {
    const plain = maker().make(raw(), 3);
    const given = raw();
    let b = 0;
    const encode = (deltas: Float32Array) => {
      const measured = given.state.subarray(b * 23, (b + 1) * 23);
      expect(deltas).toEqual(deltaChunk(given.actions.subarray(b * 690, (b + 1) * 690), measured, CHALLENGE_ROBOT));
      b++;
      return b % 2 ? [b, 7] : [b, 1, 2, 3, 4, 5];
    };
    const { fastTokens, fastMask, ...rest } = maker({ fast: { tokenizer: { encode }, length: 4 } }).make(raw(), 3);
    expect(rest).toEqual(plain);
    expect([...fastTokens!.subarray(0, 8)]).toEqual([1, 7, 0, 0, 2, 1, 2, 3]);
    expect([...fastMask!.subarray(0, 8)]).toEqual([1, 1, 0, 0, 1, 1, 1, 1]);
  });

  it('gives normalised chunks relative to the measured state, also where the shown state is noisy', () => {
    const given = raw();
    const { actions, state } = maker().make(raw(), 0);
    for (const b of [0, SIZE - 1]) {
      const measured = given.state.subarray(b * 23, (b + 1) * 23);
      const chunk = given.actions.subarray(b * 690, (b + 1) * 690);
      expect(actions.subarray(b * 960, (b + 1) * 960)).toEqual(
        normaliseActions(deltaChunk(chunk, measured, CHALLENGE_ROBOT), statistics, CHALLENGE_ROBOT),
      );
      const exact = normaliseState(measured, statistics, CHALLENGE_ROBOT);
      const noise = exact.map((x, d) => state[b * 32 + d]! - x);
      expect(Math.max(...noise.subarray(0, 23).map(Math.abs))).toBeGreaterThan(0.03);
      expect(Math.max(...noise.map(Math.abs))).toBeLessThan(0.6);
      expect(noise.subarray(23).every((x) => x === 0)).toBe(true);
    }
  });

  it('tells a neighbouring stage now and then, within the task, and keeps the true one for the loss', () => {
    const given = raw();
    let wrong = 0;
    for (let step = 0; step < 40; step++) {
      const { stage, toldStage } = maker().make(raw(), step);
      expect(stage).toEqual(given.stage);
      for (let b = 0; b < SIZE; b++) {
        expect(Math.abs(toldStage[b]! - stage[b]!)).toBeLessThanOrEqual(1);
        expect(toldStage[b]).toBeGreaterThanOrEqual(0);
        expect(toldStage[b]).toBeLessThan(5);
        if (toldStage[b] !== stage[b]) wrong++;
      }
    }
    // Half of the draws, less the fifth of them that the first and last stage stop.
    expect(wrong / (40 * SIZE)).toBeGreaterThan(0.3);
    expect(wrong / (40 * SIZE)).toBeLessThan(0.5);
  });

  it('tells a stage right before or after where stages branch, never one of another way', () => {
    const successors = [[1, 2], [3], [4], [], []];
    const seen = new Map<number, Set<number>>();
    for (let step = 0; step < 40; step++) {
      const { stage, toldStage } = maker({ stageSuccessors: { 0: successors } }).make(raw(), step);
      for (let b = 0; b < SIZE; b++) seen.set(stage[b]!, (seen.get(stage[b]!) ?? new Set()).add(toldStage[b]!));
    }
    const told = [0, 1, 2, 3, 4].map((stage) => [...seen.get(stage)!].sort());
    expect(told).toEqual([
      [0, 1, 2],
      [0, 1, 3],
      [0, 2, 4],
      [1, 3],
      [2, 4],
    ]);
  });

  it('changes the look of pictures a little, and nothing of a held-out batch', () => {
    const given = raw();
    const changed = maker().make(raw(), 0).images;
    const change = Math.max(...changed.map((x, i) => Math.abs(x - given.pictures[i]!)));
    expect(change).toBeGreaterThan(2);
    expect(change).toBeLessThan(60);
    const still = maker().make(raw(), 0, { still: true });
    expect(still.images).toEqual(given.pictures);
    expect(still.toldStage).toEqual(given.stage);
  });
});

describe('noise', () => {
  it('has flow times of Beta(1.5, 1), stretched away from 0', () => {
    const times = flowTimes(Random.of('times'), 20_000);
    expect(Math.min(...times)).toBeGreaterThanOrEqual(0.001);
    expect(Math.max(...times)).toBeLessThanOrEqual(1);
    const mean = times.reduce((a, b) => a + b, 0) / times.length;
    expect(mean).toBeCloseTo(0.999 * 0.6 + 0.001, 2); // mean of Beta(1.5, 1): 1.5 / 2.5
    const below = times.filter((t) => t < 0.5).length / times.length;
    expect(below).toBeCloseTo(((0.5 - 0.001) / 0.999) ** 1.5, 2);
  });

  it('is coloured by the dense factor as CorrelatedNoise colours it', () => {
    const n = 960;
    const cholesky = new Float64Array(n * n);
    const random = Random.of('factor');
    for (let i = 0; i < n; i++) {
      cholesky[i * n + i] = 1;
      if (i % 32 < 3) for (let j = i % 32; j < i; j += 32) cholesky[i * n + j] = 0.2 * random.normal();
    }
    const noise = new CorrelatedNoise({
      ...statistics,
      correlation: { cholesky, spatial: new Float64Array(0), temporal: new Float64Array(0) },
    });
    const factor = denseFactor(noise)!;
    const z = random.fillNormal(new Float32Array(n));
    const expected = noise.colour(z);
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let j = 0; j <= i; j++) sum += factor[i * n + j]! * z[j]!;
      expect(Math.abs(sum - expected[i]!)).toBeLessThan(1e-5);
    }
    expect(denseFactor(new CorrelatedNoise(null))).toBeNull();
  });
});

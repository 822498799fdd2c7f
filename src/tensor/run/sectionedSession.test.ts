import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import {
  Builder,
  carriedValues,
  gradients,
  type Program,
  recomputed,
  sectionsOf,
  type Tensor,
} from '../graph/index.ts';
import { add, linear, mean, reshape, split, square, tanh } from '../ops/index.ts';
import { byteLength, mapSafetensors, type Weight, writeSafetensors } from '../weights/index.ts';
import { withoutNames } from './sameProgram.ts';
import { SectionedSession } from './sectionedSession.ts';
import { ProgramSession } from './session.ts';

const [ROWS, WIDTH, LAYERS] = [6, 8, 4];

/** Layers x + tanh(x·A)·B with A and B halves of one frozen weight, and a bias that is trained. */
function layered(again = true): Program {
  const builder = new Builder();
  let y = builder.input('x', [ROWS, WIDTH]);
  const biases: Tensor[] = [];
  for (let layer = 0; layer < LAYERS; layer++) {
    const both = builder.parameter(`both#${layer}`, [2, WIDTH, WIDTH]);
    const bias = builder.parameter(`bias#${layer}`, [WIDTH]);
    biases.push(bias);
    const body = ([input]: readonly Tensor[]) => {
      const [a, b] = split(both, 0, [1, 1]).map((half) => reshape(half, [WIDTH, WIDTH])) as [Tensor, Tensor];
      return [add(input as Tensor, linear(tanh(add(linear(input as Tensor, a), bias)), b))];
    };
    builder.cut();
    y = (again ? recomputed([y], body) : body([y]))[0] as Tensor;
    builder.cut();
  }
  const loss = mean(square(y));
  builder.output('loss', loss);
  builder.output('again', loss);
  gradients(loss, biases).forEach((gradient, layer) => {
    builder.output(`gradient/bias#${layer}`, gradient);
  });
  return builder.build();
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-sections-'));
});
afterAll(() => rm(folder, { recursive: true }));

function feedsOf({ inputs, parameters }: Program): Map<string, Weight> {
  const random = Random.of('sections');
  return new Map(
    [...inputs, ...parameters].map(({ name, shape }) => {
      const data = random.fillNormal(new Float32Array(shape.reduce((a, b) => a * b, 1)));
      return [name, { shape, dtype: 'float32', data }];
    }),
  );
}

it('gives what the whole program gives, with weights in memory or in a file, once and again', async () => {
  const program = layered();
  const feeds = feedsOf(program);
  const file = join(folder, 'weights.safetensors');
  await writeSafetensors(file, new Map([...feeds].filter(([name]) => name.startsWith('both'))));
  const stored = new Map<string, Weight>([...feeds, ...(await mapSafetensors(file))]);
  const whole = await ProgramSession.create(program);
  const parts = await SectionedSession.create(program);
  const wanted = await whole.run(Object.fromEntries(feeds) as Parameters<typeof whole.run>[0]);
  expect(Object.keys(wanted)).toEqual(['loss', 'again', ...[0, 1, 2, 3].map((layer) => `gradient/bias#${layer}`)]);
  for (const given of [feeds, stored, feeds]) expect(await parts.run(Object.fromEntries(given))).toEqual(wanted);
  const into = { shape: [WIDTH], dtype: 'float32', data: new Float32Array(WIDTH) } as const;
  await parts.run(Object.fromEntries(stored), { 'gradient/bias#2': into });
  expect(into).toEqual(wanted['gradient/bias#2']);
  expect(parts.inputs.map(({ name }) => name)).toEqual(whole.inputs.map(({ name }) => name));
  expect(whole.outputs).toMatchObject(parts.outputs);
  await expect(parts.run({})).rejects.toThrow(/the feed '.*' is missing/);
  await expect(parts.run(Object.fromEntries(feeds), ['los'])).rejects.toThrow(/no fetch 'los'. Did you mean 'loss'/);
  await Promise.all([whole.close(), parts.close()]);
});

it('hands on the inputs of layers and their gradients, nothing within them and nothing of weights alone', () => {
  const program = layered();
  const sections = sectionsOf(program);
  expect(sections.length).toBeGreaterThan(2 * LAYERS);
  const numbers = sections.flatMap(({ inputs }) => inputs.map(({ shape }) => shape.reduce((a, b) => a * b, 1)));
  expect(Math.max(...numbers)).toBe(ROWS * WIDTH);
  const used = sections.map(({ parameters }) => parameters.filter(({ name }) => name.startsWith('both')).length);
  expect(Math.max(...used)).toBe(1);
  const { places, rooms } = carriedValues(sections, byteLength);
  expect(rooms.reduce((a, b) => a + b, 0)).toBeLessThan(places.reduce((sum, { value }) => sum + byteLength(value), 0));
  expect(rooms.filter((bytes) => bytes === 4 * ROWS * WIDTH).length).toBeLessThanOrEqual(LAYERS + 3);
  const flops = sections.reduce((sum, section) => sum + section.flops, 0);
  expect(flops).toBe(program.flops);
});

it('finds one program in layers that differ by names alone', () => {
  const keys = (program: Program) => sectionsOf(program).map((section) => withoutNames(section).key);
  const [forward, backward] = [keys(layered(false)), keys(layered())];
  expect(new Set(forward.slice(0, LAYERS)).size).toBe(1);
  expect(new Set(backward).size).toBeLessThan(2 * LAYERS);
});

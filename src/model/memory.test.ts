import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Checkpoint, readCheckpoint } from './checkpoint.ts';
import { checkpointFolder } from './checkpointFolder.ts';
import { int8Parts } from './int8/int8.ts';
import { inferenceMemory, planningBytes, planningRefusal } from './memory.ts';
import { modelConfig } from './network/config.ts';
import { configs } from './network/presets.ts';
import { programParameters } from './network/views.ts';
import { createPlanner, planningNeeds } from './planning/planner.ts';
import { planningConfig, quantiseCheckpoint } from './quantiseCheckpoint.ts';
import { trainingMemory, trainingStateBytes } from './trainingMemory.ts';

const { nano, full } = configs;
/** The released widths, few layers, small pictures. */
const wide = modelConfig({ ...full, imageSize: 56, layers: 2, visionLayers: 2 });
const planning = { batchSizes: [1], weights: 'float32' } as const;

it('each batch size has weights of its own, and what the batch takes', () => {
  const [one, eight, both] = [inferenceMemory(nano, 1), inferenceMemory(nano, 8), inferenceMemory(nano, [1, 8])];
  expect(eight.weights).toBe(one.weights);
  expect(both.weights).toBe(2 * one.weights);
  expect(eight.state).toBe(8 * one.state);
  expect(both.activations).toBeCloseTo(one.activations + eight.activations, 0);
  expect(eight.activations).toBeGreaterThan(4 * one.activations);
  expect(both.total).toBeLessThan(one.total + eight.total); // start-up is counted once
});

it('int8 makes bytes of the matrices that are quantised, and of nothing else', () => {
  const { matrices } = int8Parts(planningConfig(wide));
  const numbers = matrices.reduce((sum, { shape }) => sum + shape[0] * shape[1], 0);
  const columns = matrices.reduce((sum, { shape }) => sum + shape[1], 0);
  const saved = inferenceMemory(wide, 1).weights - inferenceMemory(wide, 1, 'int8').weights;
  expect(saved).toBe(3 * numbers - 8 * columns);
});

it('the vocabulary that planning never reads takes no memory; training holds all of it', () => {
  const [small, large] = [512, 100_000].map((vocabSize) =>
    modelConfig({ ...nano, stateTokens: { kind: 'discrete' }, vocabSize }),
  );
  expect(inferenceMemory(large!, 1).total).toBe(inferenceMemory(small!, 1).total);
  expect(trainingStateBytes(large!) - trainingStateBytes(small!)).toBe(20 * 160 * (100_000 - 512));
});

it('weights that are read into memory first take more while loading', () => {
  const mapped = inferenceMemory(nano, 1);
  const widened = inferenceMemory(nano, 1, 'float32', { widened: true });
  const tree = programParameters(nano).reduce((sum, { length }) => sum + 4 * length, 0);
  expect(widened.weights).toBe(mapped.weights);
  expect(widened.passing - mapped.passing).toBeGreaterThan(2 * tree);
  expect(inferenceMemory(nano, 1, 'float16', { device: 'webgpu' }).weights).toBe(mapped.weights / 2);
  expect(inferenceMemory(nano, 1, 'float16').weights).toBe(mapped.weights); // the CPU computes it in float32
});

it('a checkpoint whose weights are stored in 16 bits is counted with its widened copy, whoever asks', async () => {
  const exact = await readCheckpoint(checkpointFolder('household'));
  const packed = new Map(
    [...exact.parameters].map(([name, weight]) => [name, { ...weight, packed: 'bfloat16' as const }]),
  );
  const bytes = (parameters: Checkpoint['parameters'], options = {}) =>
    planningBytes(exact.config, planningNeeds({ ...exact, parameters }, options));
  const copy = inferenceMemory(exact.config, 1, 'float32', { widened: true }).total;
  expect(bytes(packed)).toBe(copy);
  expect(bytes(packed)).toBeGreaterThan(1.2 * bytes(exact.parameters));
  expect(bytes(packed, { copies: 2 })).toBe(2 * copy);
  expect(bytes(exact.parameters, { batchSizes: [4] })).toBe(inferenceMemory(exact.config, [1, 4]).total);
});

it('names the nearest setting that fits: smaller batches, then int8, then both', () => {
  const needs = { ...planning, batchSizes: [2, 1, 4] };
  const bytes = (sizes: number[], type: 'float32' | 'int8') => inferenceMemory(wide, sizes, type).total;
  const advice = (available: number) => planningRefusal(wide, needs, available)?.advice;
  expect(advice(bytes([1, 2, 4], 'float32'))).toBeUndefined();
  expect(advice(bytes([1, 2], 'float32'))).toMatch(/fits: batches of up to 2 \(--batch 2\) \(about/);
  expect(advice(bytes([1], 'float32'))).toMatch(/fits: one robot a pass \(--batch 1\)/);
  expect(advice(bytes([1], 'int8'))).toMatch(/fits: int8 weights .*--dtype int8\) and one robot a pass/);
  expect(advice(1e8)).toMatch(/^no setting fits: even int8 weights .* and one robot a pass .* needs about/);
  expect(planningRefusal(nano, { ...planning, copies: 3 }, 1.5 * inferenceMemory(nano, 1).total)?.advice).toMatch(
    /fits: one planner at a time/,
  );
});

it('a model that the runtime is given in memory ends at 2 GiB', () => {
  const needs = { ...planning, weights: 'float16', device: 'webgpu' } as const;
  expect(planningRefusal(full, needs, 1e15)).toMatchObject({
    reason: expect.stringMatching(/make a model of 4\.\d+ GB \(2\.15 GB at most/),
    advice: expect.stringContaining('--precision float32'),
  });
  expect(planningRefusal(full, { ...planning, widened: true }, 1e15)?.advice).toContain('--dtype float32');
});

it('training counts what is trained fivefold, what is frozen once', () => {
  const count = programParameters(nano).reduce((sum, { length }) => sum + length, 0);
  const vision = programParameters(nano).reduce((sum, { part, length }) => sum + (part === 'vision' ? length : 0), 0);
  const frozen = trainingMemory(nano, 0, (leaf) => !leaf.startsWith('PaliGemma/img/'));
  const whole = trainingMemory(nano, 0);
  expect(whole.weights + whole.state).toBe(20 * count);
  expect(whole.state - frozen.state).toBe(16 * vision);
  expect(trainingMemory(nano, 16).activations).toBeGreaterThan(1.8 * trainingMemory(nano, 8).activations - 4 * count);
});

it('a planner is refused before it takes memory, float32 and int8', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'valet-memory-'));
  try {
    const household = checkpointFolder('household');
    await quantiseCheckpoint(household, folder);
    const exact = await readCheckpoint(household);
    await expect(createPlanner(exact, { batchSizes: [32], availableMemory: 3e7 })).rejects.toThrow(
      /planner: a planner with float32 weights, batches of up to 32 needs about .*30 MB can be used here.*--batch 1/,
    );
    await expect(createPlanner(await readCheckpoint(folder), { availableMemory: 1e6 })).rejects.toThrow(
      /with int8 weights needs about \d+ MB .*No setting fits/,
    );
    const planner = await createPlanner(exact, { availableMemory: 1e8 });
    await planner.close();
  } finally {
    await rm(folder, { recursive: true });
  }
});

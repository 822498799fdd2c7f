import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { configNamed, readCheckpoint } from '../../model/index.ts';
import { CHALLENGE_ROBOT } from '../../robot/index.ts';
import { attentionFigure, attentionMask } from './attention.ts';
import { compressionFigure } from './compression.ts';
import { chunkCorrelation, correlationFigure } from './correlation.ts';
import { inpaintedPlan, inpaintingFigure } from './inpainting.ts';
import { mixingFigure } from './mixing.ts';
import { motionFigure } from './motion.ts';
import { readSteps, stagesFigure } from './stages.ts';
import { diverging } from './svg.ts';

const household = await readCheckpoint('household');

/** The first picture of a drawing, as pixels. */
async function firstPicture(svg: string) {
  const [, base64 = ''] = /href="data:image\/png;base64,([^"]+)"/.exec(svg) ?? [];
  return sharp(Buffer.from(base64, 'base64')).raw().toBuffer({ resolveWithObject: true });
}

it("the correlation's picture holds L·Lᵀ, column by column, without padding", async () => {
  const { normStats: stats, robot } = household;
  const { horizon, width } = stats;
  const n = horizon * width;
  const lower = stats.correlation?.cholesky as Float64Array;
  const values = chunkCorrelation(stats, robot.width);
  const size = horizon * robot.width;
  for (const [column, step, other, at] of [
    [0, 3, 0, 3],
    [0, 0, 1, 29],
    [5, 12, 16, 7],
    [22, 29, 0, 0],
  ] as const) {
    const [i, j] = [step * width + column, at * width + other];
    let sum = 0;
    for (let k = 0; k < n; k++) sum += (lower[i * n + k] as number) * (lower[j * n + k] as number);
    expect(values[(column * horizon + step) * size + other * horizon + at]).toBeCloseTo(sum, 12);
  }
  const { data, info } = await firstPicture(await correlationFigure(stats, robot));
  expect([info.width, info.height]).toEqual([size, size]);
  const where = 7 * size + 40;
  expect([...data.subarray(info.channels * where, info.channels * where + 3)]).toEqual(
    diverging(values[where] as number),
  );
});

it('attention: pictures do not see the stage, FAST tokens see earlier ones, actions see no FAST tokens', async () => {
  const config = configNamed('full');
  const { spans, total, visible } = attentionMask(config);
  const span = (name: string) => spans.find((one) => one.name === name) as (typeof spans)[number];
  const sees = (query: number, key: number) => visible[query * total + key];
  expect(spans.at(-1)?.end).toBe(total);
  expect(sees(span('head').start, span('right wrist').start)).toBe(1);
  expect(sees(span('head').start, span('stage').start)).toBe(0);
  expect(sees(span('state').start, span('head').start)).toBe(1);
  expect(sees(span('FAST').start + 5, span('FAST').start + 5)).toBe(1);
  expect(sees(span('FAST').start + 5, span('FAST').start + 6)).toBe(0);
  expect(sees(span('actions').start, span('FAST').start)).toBe(0);
  expect(sees(span('actions').start, span('actions').end - 1)).toBe(1);
  expect(sees(span('state').start, span('actions').start)).toBe(0);
  expect(await attentionFigure(config)).toContain('FAST (200)');
});

it('an inpainted plan keeps its promise and moves the rest; without correlation it moves nothing else', () => {
  const { normStats: stats, robot } = household;
  const plan = inpaintedPlan(stats, robot, 4);
  expect(plan.moved.slice(4).every((value) => value > 0.01)).toBe(true);
  expect(Math.min(...plan.moved.slice(0, 4))).toBeGreaterThan(Math.max(...plan.moved.slice(4)));
  const white = inpaintedPlan(stats, robot, 4, 0);
  expect(Math.max(...white.moved.slice(4))).toBe(0);
  expect(white.free).toBe(4);
  expect(inpaintingFigure(plan, robot)).toContain('kept: 4');
});

it('mixing is shown less the identity', () => {
  const keys = [1, 0.5, 0, 0.75];
  const page = mixingFigure({ layers: 2, keys, values: [1, 0, 0, 1] });
  expect(page).toContain('layer 0 takes 0.0000 of 0');
  expect(page).toContain('layer 0 takes 0.5000 of 1');
  expect(page).toContain('layer 1 takes -0.2500 of 1');
});

it('compression tells whether it squeezed', () => {
  const { width, horizon } = CHALLENGE_ROBOT;
  const chunk = Float64Array.from(
    { length: horizon * width },
    (_, i) => Math.sin(Math.floor(i / width) / 5) * (i % width),
  );
  for (const column of CHALLENGE_ROBOT.gripperColumns) for (let t = 0; t < horizon; t++) chunk[t * width + column] = 1;
  const options = { execute: 26, keep: 4, steps: 20 };
  expect(compressionFigure(chunk, CHALLENGE_ROBOT, options)).toContain('26 actions in 20 steps');
  for (let t = 10; t < horizon; t++) chunk[t * width + (CHALLENGE_ROBOT.gripperColumns[0] as number)] = -1;
  expect(compressionFigure(chunk, CHALLENGE_ROBOT, options)).toContain('Not compressed');
});

it('stages: plans are compared with the truth; a rollout without predictions is refused', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'valet-figures-'));
  const lines = Array.from({ length: 40 }, (_, i) => ({
    step: i + 1,
    action: [],
    q: 0,
    goal: [],
    stage: i < 30 ? 0 : 1,
    truth: i < 20 ? 0 : 1,
    ...(i % 10 === 0 && { planned: true, predicted: i < 20 ? 0 : 1 }),
  }));
  await writeFile(join(folder, 'scene.json'), '{"scene": {"framesPerSecond": 30}}');
  await writeFile(join(folder, 'steps.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const page = stagesFigure(readSteps(folder), 'radio_0_0');
  expect(page).toContain('predicted 100 %, voted 75 % of 4 plans');
  await writeFile(join(folder, 'steps.jsonl'), `${JSON.stringify({ step: 1, action: [], q: 0, goal: [] })}\n`);
  expect(() => readSteps(folder)).toThrow(/without predicted stages/);
  await rm(folder, { recursive: true });
});

it('motion has a row for every dimension, and says which never moves', async () => {
  const { width } = CHALLENGE_ROBOT;
  const dimension = { low: -1, high: 1, q01: -0.9, q99: 0.8, auto: [1, 0.5, 0], toState: [0.1, 0.9, 0.2], lag: 1 };
  const still = { ...dimension, toState: [Number.NaN, Number.NaN, Number.NaN], lag: undefined };
  const dimensions = Array.from({ length: width }, (_, d) => (d === 2 ? still : dimension));
  const correlation = Float64Array.from({ length: width * width }, (_, i) => (i % (width + 1) === 0 ? 1 : Number.NaN));
  const svg = await motionFigure({ episodes: 3, frames: 900, dimensions, correlation }, CHALLENGE_ROBOT);
  expect(svg).toContain('3 episodes, 900 frames');
  expect(svg.match(/1 frames, 33 ms/g)).toHaveLength(width - 1);
  expect(svg.match(/never moves/g)).toHaveLength(1);
  expect(svg).not.toContain('NaN');
  const { data, info } = await firstPicture(svg);
  expect([...data.subarray(0, 3)]).toEqual(diverging(1));
  expect([...data.subarray(info.channels, info.channels + 3)]).toEqual([255, 255, 255]);
});

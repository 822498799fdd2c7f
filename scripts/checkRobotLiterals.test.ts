import { expect, it } from 'vitest';
import { checkRobotLiterals, robotLiterals } from './checkRobotLiterals.ts';

it.each([
  "const robot = robotNamed('r1pro');",
  '/** The shape of an R1 Pro made of primitives. */',
  "robot_type: 'R1Pro',",
  'const R1_PRO_COLUMNS = 7;',
  'if (i % width >= 23) continue;',
  '/** float64 [rows, 23]. */',
  " columns: parseColumns(options.columns ?? '0:6,7:23'),",
  'const PROPRIOCEPTION_LENGTHS = [256, 61];',
  '/** One demonstration: T frames at 30 Hz. */',
  'const STEP_MS = 1000 / 30;',
  'this.time += 30 * seconds * this.speed;',
  'export const CONTROL_HZ = 30;',
  'actionHorizon: count.default(30),',
  'framesPerSecond: 30,',
  '/** Plays one action for one control step (1/30 s). */',
  '/** Chunks of 30×22. */',
  '// chunks of 30 actions can begin up to the end',
  '  /** [N, B, 30, 32] standard normal numbers. */',
  '  /** [B, 32], normalised. */',
  '  actionDim: count.default(32),',
  '/** How the 32 normalised state numbers become tokens. */',
  '/** The first few of each row of 32. */',
  '/** Columns of the promise that are held: 32 (all, padding included). */',
  "'observation.state': { dtype: 'float32', shape: [256] },",
  '/** Proprioception [T, 256]. */',
  'const proprioception = new Float32Array(256);',
  '/** Smooth random motion, 256 numbers of state. */',
])('finds %s', (line) => {
  expect(robotLiterals(`const one = 1;\n${line}\n`)).toEqual([{ line: 2, text: line.trim() }]);
});

it.each([
  'for await (const chunk of createReadStream(file, { highWaterMark: 2 ** 23 })) bytes += chunk.length;',
  'const high = Math.floor(value / 2 ** 32);',
  'const memory = 4 * 2 ** 30;',
  'for (let byte = 0; byte < 256; byte++) seen[byte] = 1;',
  '  maxPayload: 256 << 20,',
  '/** Measured on 2025-12-23. */',
  "const seed = 'a23';",
  'version 1.30.2 and 0.23',
  '--ink: #23a; color: #616161;',
  '  headDim: 256,',
  '  visionWidth: 32,',
  '  auxiliary: { chunk: { weight: 1 }, tokenWidth: 12, hidden: 256 },',
  'buckets: [0.0001, 0.001, 0.01, 0.1, 1, 10, 30],',
  'CRC-32C of bytes, an unsigned 32-bit number.',
  'xoshiro128** seeded by SHA-256 of the text.',
  '// the facts, 1.23 says so',
  'const MAX_AXES = 32;',
  'got extent.slice(0, 30)',
  'throw: expected a port, or a range of up to 256 such as 8000-8063.',
  '/** A process of the r1 program. */',
  'this.bytes = this.rows * columns * 32;',
  'out[i] = 128 + 30 * sum;',
  'const STATE_BINS = 256;',
])('lets %s pass', (line) => {
  expect(robotLiterals(line)).toEqual([]);
});

it('lets a line pass that says why, on itself or just above', () => {
  expect(robotLiterals('const rate = 30; // robot-literal: the format fixes it')).toEqual([]);
  expect(robotLiterals('// robot-literal: the format fixes it\nconst rate = 30;')).toEqual([]);
  expect(robotLiterals('const rate = 30; // robot-literal: ')).toHaveLength(1);
  expect(robotLiterals('// robot-literal: only the next line\n\nconst rate = 30;')).toHaveLength(1);
});

it('looks everywhere but at robots and tests', () => {
  const text = 'const rate = 1 / 30;';
  const paths = ['src/home/world/a.ts', 'bench/b.ts', 'src/robot/c.ts', 'src/home/d.test.ts'];
  expect(checkRobotLiterals(paths.map((path) => ({ path, text }))).map(({ path }) => path)).toEqual(paths.slice(0, 2));
});

import { describe, expect, it } from 'vitest';
import * as t from '../index.ts';
import { lowerProgram } from '../onnx/lower.ts';
import { probeDevice } from '../run/providers.ts';
import { ProgramSession } from '../run/session.ts';
import { OP_CASES } from './opCases.ts';
import { checkOp } from './opCheck.ts';

const cases = Object.values(OP_CASES).flat();

describe('the list of op cases', () => {
  it('has a case for every op, and none for what is no op', async () => {
    const ops = new Set(Object.keys(await import('../ops/index.ts')));
    expect([...new Set(cases.map(({ op }) => op))].sort()).toEqual([...ops].sort());
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
  });

  it('finds a wrong result and a wrong gradient', async () => {
    const [first] = cases;
    const off = (body: (x: t.Tensor) => t.Tensor) =>
      checkOp({ ...first!, name: 'off', inputs: { a: [4] }, body: ({ a }) => body(a!) }, { precision: 'float16' });
    const slope = await off((a) =>
      t.scale(t.add(t.matmul(t.reshape(a, [4, 1]), a.builder.constant([1], [1, 1])), 4096), 1),
    );
    expect(slope.pass).toBe(true);
    const lost = await off((a) =>
      t.sub(t.add(t.matmul(t.reshape(a, [4, 1]), a.builder.constant([1], [1, 1])), 4096), 4096),
    );
    // float16 holds 4096 + x in steps of 4: what is left of x after it is gone shows that float16 really rounds.
    expect(lost.pass).toBe(false);
    expect(lost.error).toBeGreaterThan(0.5);
  });
});

describe('every op and its gradient against float64', () => {
  const variants: [string, t.ProgramSessionOptions][] = [
    ['float32, fused operators', {}],
    ['float32, standard operators (what other devices get)', { operators: 'standard' }],
    ['mixed float16', { precision: 'float16' }],
  ];
  it.each(variants)('%s', async (_, options) => {
    const results = [];
    for (const one of cases) results.push(await checkOp(one, options));
    expect(results.filter(({ pass }) => !pass)).toEqual([]);
    const worst = Math.max(...results.map(({ error, gradientError }) => Math.max(error, gradientError ?? 0)));
    expect(worst).toBeGreaterThan(options.precision === 'float16' ? 1e-4 : 0);
  });
});

/** Attention with a mask, norms, sines: everything that lowers in two ways, with gradients. */
function mixture(): t.Program {
  const builder = new t.Builder();
  const x = builder.input('x', [2, 2, 3, 4]);
  const g = builder.parameter('g', [4]);
  const mask = t.where(builder.input('allowed', [3, 3], 'bool'), builder.constant(0), -1e30);
  const y = t.attention(t.rmsNorm(x, g), t.layerNorm(t.sin(x), g, g), x, { mask });
  builder.output('y', y);
  builder.output('dx', t.gradients(t.sum(t.square(y)), [x])[0]!);
  return builder.build();
}

describe('lowering', () => {
  it("writes no operator of the runtime's own in standard form", () => {
    const own = (operators: t.Operators) =>
      lowerProgram(mixture(), { operators }).nodes.filter(
        ({ domain, op }) => domain !== '' || op === 'SimplifiedLayerNormalization',
      ).length;
    expect(own('fused')).toBeGreaterThan(2);
    expect(own('standard')).toBe(0);
  });

  it('stores weights of products in float16, of normalisations in float32', () => {
    const builder = new t.Builder();
    const x = builder.input('x', [2, 3]);
    const product = t.linear(t.rmsNorm(x, builder.parameter('g', [3])), builder.parameter('w', [3, 4]));
    builder.output('y', product);
    const weight = (shape: number[]) => ({
      shape,
      dtype: 'float32' as const,
      data: new Float32Array(12).slice(
        0,
        shape.reduce((a, b) => a * b),
      ),
    });
    const weights = new Map([
      ['g', weight([3])],
      ['w', weight([3, 4])],
    ]);
    const { initialisers, inputs, outputs } = lowerProgram(builder.build(), { precision: 'float16', weights });
    const stored = initialisers.map(({ name, dtype }) => [name, dtype]);
    expect(stored).toContainEqual(['g', 'float32']);
    expect(stored).toContainEqual(['w/as float16', 'float16']);
    expect(stored.filter(([name]) => name!.startsWith('w'))).toHaveLength(1);
    expect([...inputs, ...outputs].map(({ dtype }) => dtype)).toEqual(['float32', 'float32']);
  });

  it('keeps masks beyond the range of float16 finite, rows without anything allowed too', async () => {
    const session = await ProgramSession.create(mixture(), { precision: 'float16' });
    const x = Float32Array.from({ length: 48 }, (_, i) => Math.sin(i));
    const allowed = Uint8Array.of(1, 0, 0, 0, 0, 0, 1, 1, 1);
    const { y, dx } = await session.run({ x, g: new Float32Array(4).fill(1), allowed });
    await session.close();
    expect([...(y!.data as Float32Array), ...(dx!.data as Float32Array)].every(Number.isFinite)).toBe(true);
    // The first row sees the first column alone.
    for (let i = 0; i < 4; i++) expect(y!.data[i]).toBeCloseTo(x[i]!, 3);
  });

  it('does not quantise for other devices', () => {
    const quantised = new Map([['w', {} as never]]);
    expect(() => lowerProgram(mixture(), { quantised, operators: 'standard' })).toThrow(/float32 and the CPU/);
  });
});

const webgpu = await probeDevice('webgpu');

describe('devices', () => {
  it('are found by name', () => {
    expect(t.deviceNamed('webgpu')).toBe('webgpu');
    expect(() => t.deviceNamed('webgpp')).toThrow("--device: no device 'webgpp'. Did you mean 'webgpu'?");
  });

  it('the CPU works, in float16 too', async () => {
    expect(await probeDevice('cpu')).toMatchObject({ device: 'cpu', works: true, float16: true });
  });

  it('other than the CPU refuse float64', async () => {
    await expect(ProgramSession.create(mixture(), { device: 'webgpu', precision: 'float64' })).rejects.toThrow(
      /float64 runs on the CPU alone/,
    );
  });

  it.runIf(process.platform === 'linux')('are refused where the platform has no such provider', async () => {
    await expect(ProgramSession.create(mixture(), { device: 'dml' })).rejects.toThrow(
      /this platform has no dml \(got 'dml'/,
    );
  });

  it.skipIf(webgpu.works)('say what to do where they are missing', async () => {
    expect(webgpu.problem).toMatch(/Vulkan|adapter/);
    await expect(ProgramSession.create(mixture(), { device: 'webgpu' })).rejects.toThrow(
      /the device 'webgpu' does not work here \(.+\)\. .*Without --device the CPU computes/,
    );
  });

  const why = webgpu.works ? '' : ` (skipped: ${webgpu.problem?.split('.')[0]})`;
  it.skipIf(!webgpu.works)(`WebGPU computes what float64 does${why}`, async () => {
    const some = [
      'attention, mask',
      'rmsNorm',
      'layerNorm',
      'sin',
      'matmul, batches aᵀ bᵀ',
      'gather from a large table',
    ];
    for (const one of cases.filter(({ name }) => some.includes(name)))
      expect(await checkOp(one, { device: 'webgpu' })).toMatchObject({ pass: true, name: one.name });
  });
});

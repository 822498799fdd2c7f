/**
 * Training step of a plain transformer (the shapes of the peers' programs in bench/peers): loss, gradients, clipping, AdamW, moving average.
 * `npx tsx bench/training.ts [--width 256] [--threads 2] [--steps 12]` prints one JSON line with the median step and the share of the machine's GEMM peak.
 */
import { parseArgs } from 'node:util';
import { Random } from '../src/base/index.ts';
import * as t from '../src/tensor/index.ts';

const { values } = parseArgs({
  options: {
    width: { type: 'string', default: '256' },
    layers: { type: 'string', default: '6' },
    batch: { type: 'string', default: '8' },
    length: { type: 'string', default: '200' },
    threads: { type: 'string', default: '2' },
    steps: { type: 'string', default: '12' },
  },
});
const [width, layers, batch, length, threads, steps] = [
  values.width,
  values.layers,
  values.batch,
  values.length,
  values.threads,
  values.steps,
].map(Number) as [number, number, number, number, number, number];
const HEADS = 8;
const INPUTS = 32;

/** Inputs x, target [B, T, 32]; pre-norm blocks of attention (8 heads) and a GELU network of 4 × width; mean square loss. */
function transformer(): t.Program {
  const builder = new t.Builder();
  const parameters: t.Tensor[] = [];
  const weight = (name: string, shape: number[]) => {
    parameters.push(builder.parameter(name, shape));
    return parameters.at(-1)!;
  };
  const heads = (x: t.Tensor) => t.transpose(t.reshape(x, [batch, length, HEADS, width / HEADS]), [0, 2, 1, 3]);
  const x = builder.input('x', [batch, length, INPUTS]);
  let h = t.add(t.linear(x, weight('in', [INPUTS, width])), weight('position', [length, width]));
  for (let layer = 0; layer < layers; layer++) {
    const a = t.rmsNorm(h, weight(`${layer}/norm1`, [width]));
    const [q, k, v] = ['q', 'k', 'v'].map((name) => heads(t.linear(a, weight(`${layer}/${name}`, [width, width])))) as [
      t.Tensor,
      t.Tensor,
      t.Tensor,
    ];
    const attended = t.reshape(t.transpose(t.attention(q, k, v), [0, 2, 1, 3]), [batch, length, width]);
    h = t.add(h, t.linear(attended, weight(`${layer}/o`, [width, width])));
    const b = t.rmsNorm(h, weight(`${layer}/norm2`, [width]));
    h = t.add(
      h,
      t.linear(
        t.gelu(t.linear(b, weight(`${layer}/up`, [width, 4 * width]))),
        weight(`${layer}/down`, [4 * width, width]),
      ),
    );
  }
  const y = t.linear(t.rmsNorm(h, weight('norm', [width])), weight('out', [width, INPUTS]));
  const loss = t.mean(t.square(t.sub(y, builder.input('target', [batch, length, INPUTS]))));
  builder.output('loss', loss);
  t.gradients(loss, parameters).forEach((gradient, i) => {
    builder.output(`gradient/${parameters[i]!.name}`, gradient);
  });
  return builder.build();
}

const random = Random.of('bench/training');
const program = transformer();
const state = new t.TrainingState(program.parameters);
for (const [name, { shape, data }] of state.parameters) {
  const deviation = name.includes('norm') ? 0 : 1 / Math.sqrt(shape[0]!);
  for (let i = 0; i < data.length; i++) data[i] = deviation === 0 ? 1 : deviation * random.normal();
}
state.load({ ema: state.parameters });
const session = await t.Session.create(program, { threads });
const feeds = {
  ...state.feeds(),
  x: random.fillNormal(new Float32Array(batch * length * INPUTS)),
  target: random.fillNormal(new Float32Array(batch * length * INPUTS)),
};
const fetches = { ...state.fetches(), loss: new Float32Array(1) };
const times: number[] = [];
const losses: number[] = [];
for (let step = 0; step < steps; step++) {
  const start = performance.now();
  losses.push(Number((await session.run(feeds, fetches))['loss']!.data[0]));
  state.clipAndStep({ learningRate: 3e-4, weightDecay: 0.01, clipNorm: 1, emaDecay: 0.99 });
  times.push(performance.now() - start);
}
await session.close();
times.splice(0, 2);
times.sort((a, b) => a - b);
const median = times[times.length >> 1]!;
const peak = await t.gemmPeak(threads);
const gflops = program.flops / median / 1e6;
console.log(
  JSON.stringify({
    bench: 'training',
    parameters: state.count,
    threads,
    stepMs: Number(median.toFixed(1)),
    fastestStepMs: Number(times[0]!.toFixed(1)),
    gflops: Number(gflops.toFixed(1)),
    gemmPeak: Number(peak.toFixed(1)),
    shareOfPeak: Number((gflops / peak).toFixed(2)),
    firstLoss: losses[0],
    lastLoss: losses.at(-1),
  }),
);

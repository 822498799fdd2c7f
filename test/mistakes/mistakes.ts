/** A deliberate mistake: texts of one source file, each there exactly once, and what stands there instead. */
export interface Mistake {
  readonly what: string;
  /** Below src/. */
  readonly file: string;
  readonly edits: readonly (readonly [from: string, to: string])[];
  /** A test that must catch it, where no golden case can (draws, which cases record). */
  readonly test?: string;
}

const mistake = (what: string, file: string, ...edits: (readonly [string, string])[]): Mistake => ({
  what,
  file,
  edits,
});

/** As the source writes it. */
const COEFFICIENTS = 'net.weight(`kv_transform/$' + '{name}_coeffs`)';
const UPDATE = "    kernels.adamw(at('parameters'), at('summed'), at('m'), at('v'), count, ...numbers);\n";
const AVERAGE =
  '    if (emaDecay !== undefined) ' +
  "kernels.movingAverage(at('ema'), at('parameters'), count, emaDecay, 1 - emaDecay);\n";

/** Mistakes in single operations, in the order of the computation. */
export const MISTAKES: readonly Mistake[] = [
  mistake('pixels over 256 instead of 255', 'model/network/vision.ts', [
    "scale(cast(images, 'float32'), 2 / 255)",
    "scale(cast(images, 'float32'), 2 / 256)",
  ]),
  mistake('patches cut column by column', 'model/network/vision.ts', ['[0, 1, 3, 2, 4, 5]', '[0, 3, 1, 2, 4, 5]']),
  mistake('vision attention without 1/√(head width)', 'model/network/vision.ts', [
    '{ scale: headDim ** -0.5 }',
    '{ scale: 1 }',
  ]),
  mistake('exact gelu, x·Φ(x), in place of the tanh form', 'tensor/ops/elementwise.ts', [
    "const s = onnx.unary('Sigmoid', onnx.mul(x, onnx.add(onnx.mul(square, c * a), c)));",
    "const s = onnx.mul(onnx.add(onnx.unary('Erf', onnx.mul(x, Math.SQRT1_2)), 1), 0.5);",
  ]),
  mistake('LayerNorm: ε left out', 'model/network/vision.ts', ['epsilon: net.config.layerNormEpsilon', 'epsilon: 0']),
  mistake('state tokens without √width', 'model/network/tokens.ts', [
    'bins), Math.fround(Math.sqrt(config.vlmWidth)))',
    'bins), 1)',
  ]),
  mistake('state bins rounded to the nearest edge', 'model/network/tokens.ts', [
    "builder.emit('Floor', [at], [at])",
    "builder.emit('Round', [at], [at])",
  ]),
  mistake('stage code of stage/n instead of stage/(n-1)', 'model/network/tokens.ts', [
    'stage / Math.max(n - 1, 1)',
    'stage / n',
  ]),
  mistake('sine-cosine frequencies exact instead of float32', 'model/network/sincos.ts', [
    'return f32(f32(f32(1 / period) * 2) * f32(Math.PI));',
    'return (2 * Math.PI) / (low * (high / low) ** (i / (n - 1)));',
  ]),
  mistake('task gate without its sigmoid', 'model/network/tokens.ts', [
    'mul(x, sigmoid(dense(net, name, all)))',
    'mul(x, dense(net, name, all))',
  ]),
  mistake('FAST input not shifted', 'model/network/tokens.ts', [
    'concat([zero, slice(ids, 1, 0, length - 1)], 1)',
    'add(ids, zero)',
  ]),
  mistake('FAST tokens see each other', 'model/network/masks.ts', [
    'mask.fill(1, layout.length);',
    'mask[layout.length] = 1;',
  ]),
  mistake('rotary positions count absent tokens', 'model/network/masks.ts', [
    'addScalar(matmul(valid, net.builder.constant(upper, [n, n])), -1)',
    'addScalar(matmul(addScalar(scale(valid, 0), 1), net.builder.constant(upper, [n, n])), -1)',
  ]),
  mistake(
    'absent camera seen by the language model',
    'model/network/masks.ts',
    [
      'return mul(pairs, net.builder.constant(allowed(layout), [n, n]));',
      'return add(scale(pairs, 0), net.builder.constant(allowed(layout), [n, n]));',
    ],
    ['  addScalar,', '  add,\n  addScalar,'],
  ),
  mistake('RMSNorm multiplies by scale instead of 1 + scale', 'model/network/layers.ts', [
    'epsilon: net.config.rmsEpsilon, plusOne: true',
    'epsilon: net.config.rmsEpsilon, plusOne: false',
  ]),
  mistake('RMSNorm: ε left out', 'model/network/layers.ts', [
    'epsilon: net.config.rmsEpsilon, plusOne: true',
    'epsilon: 0, plusOne: true',
  ]),
  mistake('RoPE: halves swapped', 'model/network/layers.ts', [
    'return concat([sub(mul(a, cos), mul(b, sin)), add(mul(b, cos), mul(a, sin))], axis);',
    'return concat([add(mul(b, cos), mul(a, sin)), sub(mul(a, cos), mul(b, sin))], axis);',
  ]),
  mistake('RoPE: turned the other way', 'model/network/layers.ts', [
    'return concat([sub(mul(a, cos), mul(b, sin)), add(mul(b, cos), mul(a, sin))], axis);',
    'return concat([add(mul(a, cos), mul(b, sin)), sub(mul(b, cos), mul(a, sin))], axis);',
  ]),
  mistake('RoPE: exponents over head_dim instead of half of it', 'model/network/layers.ts', [
    '10000 ** (i / half)',
    '10000 ** (i / half / 2)',
  ]),
  mistake('query heads dealt to key heads in turn', 'model/network/layers.ts', [
    'reshape(transpose(reshape(query, [...lead, t, k, group, h]), [...axes, n + 1, n, n + 2, n + 3])',
    'reshape(transpose(reshape(query, [...lead, t, group, k, h]), [...axes, n + 2, n, n + 1, n + 3])',
  ]),
  mistake('attention without head_dim^-0.5', 'model/network/layers.ts', [
    '{ mask, scale: h ** -0.5 }',
    '{ mask, scale: 1 }',
  ]),
  mistake('MLP: gelu on the other factor', 'model/network/layers.ts', ['mul(gelu(gate), up)', 'mul(gate, gelu(up))']),
  mistake(
    'KV mixing transposed',
    'model/network/prefix.ts',
    [`matmul(${COEFFICIENTS}, `, `matmul(transpose(${COEFFICIENTS}, [1, 0]), `],
    ['stopGradient, type Tensor }', 'stopGradient, type Tensor, transpose }'],
  ),
  mistake('insulation: the gradient is not stopped', 'model/network/prefix.ts', [
    'stopGradient(stack(list))',
    'stack(list)',
  ]),
  mistake('adaRMS: gate and scale swapped', 'model/network/layers.ts', [
    'const [scale, shift, gate] = split(',
    'const [gate, shift, scale] = split(',
  ]),
  mistake(
    'adaRMS: scale instead of 1 + scale',
    'model/network/layers.ts',
    ['scale: addScalar(scale, 1), shift, gate', 'scale, shift, gate'],
    ['  addScalar,\n', ''],
  ),
  mistake('gate of the residual left out', 'model/network/suffix.ts', [
    "add(y, mul(feedForward(net, '_1', layer, adaptiveNorm(net, y, feedForwardNorm)), feedForwardNorm.gate))",
    "add(y, feedForward(net, '_1', layer, adaptiveNorm(net, y, feedForwardNorm)))",
  ]),
  mistake('absent camera seen by the action expert', 'model/network/suffix.ts', [
    'const mask = valid && blockedKeys(net, valid, horizon);',
    'const mask = undefined as Tensor | undefined;',
  ]),
  mistake('x_t from (1-t)·noise + t·actions', 'model/network/loss.ts', [
    'const noisy = add(a, mul(t, target));',
    'const noisy = sub(z, mul(t, target));',
  ]),
  mistake("velocity's sign turned round", 'model/network/loss.ts', [
    'const target = sub(z, a);',
    'const target = sub(a, z);',
  ]),
  mistake('training: positions of actions start at the valid tokens', 'model/network/loss.ts', [
    'start: net.builder.constant([prefix.layout.length], [1, 1]),',
    'start: sum(sliceValid(prefix), [1], true),',
  ]),
  mistake('action loss: sum over flow samples instead of mean', 'model/network/loss.ts', [
    ': mean(action.squares), 1],',
    ': scale(mean(action.squares), flowSamples), 1],',
  ]),
  mistake('bars of stages left out', 'model/network/loss.ts', ['bars.fill(-1e30,', 'bars.fill(0,']),
  mistake('FAST loss averaged over padding too', 'model/network/loss.ts', [
    'maximum(sum(weights, [1]), 1)',
    'maximum(scale(sum(weights, [1]), 0), ids.shape[1]!)',
  ]),
  mistake("attention's backward without its row sums", 'tensor/ops/attention.ts', [
    'onnx.mul(p, onnx.sub(dp, rowSums))',
    'onnx.mul(p, onnx.sub(dp, onnx.mul(rowSums, 0)))',
  ]),
  mistake("RMSNorm's backward without the mean", 'tensor/ops/norm.ts', [
    'onnx.mul(xn, meanTimes(dxn, g))',
    'onnx.mul(onnx.mul(xn, meanTimes(dxn, g)), 0)',
  ]),
  mistake('sampling: Euler step the other way', 'model/planning/sampler.ts', [
    'x[i]! += f32(dt * v[i]!)',
    'x[i]! -= f32(dt * v[i]!)',
  ]),
  mistake('sampling: positions of actions start at the full length', 'model/network/inference.ts', [
    'start: valid ? sum(valid, [1], true) : builder',
    'start: builder',
  ]),
  mistake(
    'noise: beta weighs the identity',
    'action/noise.ts',
    ['sigma[i]! *= this.beta;', 'sigma[i]! *= 1 - this.beta;'],
    ['sigma[i * m + i]! += 1 - this.beta;', 'sigma[i * m + i]! += this.beta;'],
    ['raw[i * n + i]! ** 2 + 1 - this.beta', 'raw[i * n + i]! ** 2 + 1 - this.beta'],
  ),
  mistake('inpainting: threshold one step late', 'model/planning/sampler.ts', [
    'afterStep?.(x, after[step]!, step);',
    'afterStep?.(x, before[step]!, step);',
  ]),
  mistake('inpainting: threshold against the exact time', 'action/inpaint.ts', [
    'const time = Math.fround(timeAfter);',
    'const time = Math.round(timeAfter * 1e6) / 1e6 + 1e-7;',
  ]),
  mistake('inpainting: given and noise swapped', 'action/inpaint.ts', [
    '(1 - time) * given[b * o + j]! + time * noise[i]!',
    'time * given[b * o + j]! + (1 - time) * noise[i]!',
  ]),
  mistake('inpainting: free entries not corrected', 'action/inpaint.ts', [
    'x[b * n + free[i]!]! += deltas[b]![i]!',
    'x[b * n + free[i]!]! += 0 * deltas[b]![i]!',
  ]),
  // Beside a well-conditioned Σ_OO, as in all cases, ε is rounding.
  {
    ...mistake('inpainting: kept entries without ε', 'action/inpaint.ts', ['Math.max(o ? trace / o : 1, 1)', '0']),
    test: 'test/mistakes/inpaintJitter.test.ts',
  },
  mistake('inpainting: large corrections not skipped', 'action/inpaint.ts', ['<= this.skipAbove', '<= Infinity']),
  mistake('schedule: warm-up from peak/warm-up', 'train/schedule.ts', [
    'peak / (warmupSteps + 1);',
    'peak / warmupSteps;',
  ]),
  mistake('schedule: cosine longer by the warm-up', 'train/schedule.ts', ['decaySteps - warmupSteps', 'decaySteps']),
  mistake('AdamW: no bias correction of the first moment', 'tensor/training/trainingState.ts', [
    'learningRate / (1 - beta1 ** this.step),',
    'learningRate,',
  ]),
  mistake('AdamW: no bias correction of the second moment', 'tensor/training/trainingState.ts', [
    'Math.sqrt(1 / (1 - beta2 ** this.step)),',
    '1,',
  ]),
  mistake('AdamW: ε before the bias correction', 'tensor/training/trainingState.ts', [
    '      epsilon,\n',
    '      epsilon * Math.sqrt(1 / (1 - beta2 ** this.step)),\n',
  ]),
  mistake('AdamW: weight decay not times the learning rate', 'tensor/training/trainingState.ts', [
    '1 - learningRate * weightDecay,',
    '1 - weightDecay,',
  ]),
  mistake('AdamW: moments exchange their betas', 'kernels/adamw/memory.ts', [
    'const numbers = [beta1, 1 - beta1, beta2, 1 - beta2,',
    'const numbers = [beta2, 1 - beta2, beta1, 1 - beta1,',
  ]),
  mistake('clipping left out', 'tensor/training/trainingState.ts', ['1 : clipNorm / gradientNorm', '1 : 1']),
  mistake('moving average before the step', 'kernels/adamw/memory.ts', [UPDATE + AVERAGE, AVERAGE + UPDATE]),
  {
    ...mistake('flow times from Beta(1, 1.5)', 'train/batch.ts', [
      'random.uniform() ** (1 / 1.5) * 0.999',
      '(1 - random.uniform() ** (1 / 1.5)) * 0.999',
    ]),
    test: 'src/train/batch.test.ts',
  },
];

import { describe, lengthOf, primitives as onnx, opError, type Tensor } from '../graph/index.ts';
import { addScalar } from './elementwise.ts';

export interface RmsNormOptions {
  readonly epsilon?: number;
  /** Multiply by `1 + scale` instead of `scale` (Gemma's convention: the scale starts at zero). */
  readonly plusOne?: boolean;
}

function checkScale(op: string, x: Tensor, scale: Tensor, what: string): void {
  if (scale.shape.length !== 1 || scale.shape[0] !== x.shape.at(-1))
    throw opError(op, `the ${what} must have the length of the last axis (got ${describe(x)} and ${describe(scale)}).`);
}

/** The mean of `x∘g` over the last axis, [..., 1], as one matrix-vector product with `g` [n]. */
function meanTimes(x: Tensor, g: Tensor): Tensor {
  const n = lengthOf(x.shape, -1);
  const rows = onnx.size(x.shape) / n;
  const out = onnx.matmul(onnx.reshape(x, [rows, n]), onnx.reshape(g, [n, 1]), false, false, 1 / n);
  return onnx.reshape(out, [...x.shape.slice(0, -1), 1]);
}

/** `x / √(mean(x²) + ε) · scale` over the last axis (Zhang & Sennrich 2019); the scale may be left out. */
export function rmsNorm(x: Tensor, scale?: Tensor, { epsilon = 1e-6, plusOne = false }: RmsNormOptions = {}): Tensor {
  if (scale) checkScale('rmsNorm', x, scale, 'scale');
  const n = lengthOf(x.shape, -1);
  const g = scale ? (plusOne ? addScalar(scale, 1) : scale) : x.builder.constant(new Array(n).fill(1), [n], x.dtype);
  const deviation = { shape: [...x.shape.slice(0, -1), 1], dtype: x.dtype };
  const [y, inverse] = x.builder.emit('SimplifiedLayerNormalization', [x, g], [x, deviation], {
    axis: -1,
    epsilon: { float: epsilon },
    stash_type: 1,
  });
  return x.builder.record([x, g], [y], ([d], needed) => {
    const xn = scale ? onnx.mul(x, inverse) : y;
    const dxn = onnx.mul(d, xn);
    const dx = () => onnx.mul(inverse, onnx.sub(scale ? onnx.mul(d, g) : d, onnx.mul(xn, meanTimes(dxn, g))));
    return [needed[0] ? dx() : null, needed[1] ? onnx.unbroadcast(dxn, g.shape) : null];
  });
}

/** `(x - mean) / √(variance + ε) · scale + bias` over the last axis (Ba et al. 2016). */
export function layerNorm(
  x: Tensor,
  scale: Tensor,
  bias: Tensor,
  { epsilon = 1e-6 }: { epsilon?: number } = {},
): Tensor {
  checkScale('layerNorm', x, scale, 'scale');
  checkScale('layerNorm', x, bias, 'bias');
  const row = { shape: [...x.shape.slice(0, -1), 1], dtype: x.dtype };
  const [y, mean, inverse] = x.builder.emit('LayerNormalization', [x, scale, bias], [x, row, row], {
    axis: -1,
    epsilon: { float: epsilon },
    stash_type: 1,
  });
  return x.builder.record([x, scale, bias], [y], ([d], needed) => {
    const xn = onnx.mul(onnx.sub(x, mean), inverse);
    const dxn = onnx.mul(d, xn);
    const dx = () =>
      onnx.mul(
        inverse,
        onnx.sub(onnx.sub(onnx.mul(d, scale), meanTimes(d, scale)), onnx.mul(xn, meanTimes(dxn, scale))),
      );
    return [
      needed[0] ? dx() : null,
      needed[1] ? onnx.unbroadcast(dxn, scale.shape) : null,
      needed[2] ? onnx.unbroadcast(d, bias.shape) : null,
    ];
  });
}

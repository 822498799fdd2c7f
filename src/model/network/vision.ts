import { present } from '../../base/index.ts';
import {
  add,
  addScalar,
  attention,
  cast,
  conv2d,
  gelu,
  layerNorm,
  linear,
  relu,
  reshape,
  rmsNorm,
  scale,
  type Tensor,
  transpose,
} from '../../tensor/index.ts';
import { tokensPerSide } from './config.ts';
import { dense } from './layers.ts';
import type { Network } from './network.ts';

const TOWER = 'PaliGemma/img';

/**
 * The vision tower (SigLIP's shape): images [B, cameras, S, S, 3], uint8 or float32 in [-1, 1], → tokens [B, cameras·n,
 * vlmWidth]. All cameras go through as one batch.
 */
export function visionTokens(net: Network, images: Tensor): Tensor {
  const { config } = net;
  const [batch, cameras, side] = images.shape as [number, number, number];
  const pixels = images.dtype === 'uint8' ? addScalar(scale(cast(images, 'float32'), 2 / 255), -1) : images;
  net.trace?.('image_float', pixels);
  const flat = reshape(pixels, [batch * cameras, side, side, 3]);
  const [embedded] = net.layer([flat], ([input]) => [
    config.stem.kind === 'patch' ? patches(net, input as Tensor) : convolutions(net, input as Tensor),
  ]);
  let x = add(present(embedded, 'the patches'), net.weight(`${TOWER}/pos_embedding`));
  net.trace?.('vision/with_posemb', x);
  for (let layer = 0; layer < config.visionLayers; layer++)
    x = present(net.layer([x], ([input]) => [block(net, input as Tensor, layer)])[0], 'a block');
  x = normalise(net, `${TOWER}/Transformer/encoder_norm`, x);
  net.trace?.('vision/encoded', x);
  const tokens = dense(net, `${TOWER}/head`, x);
  net.trace?.('vision/tokens', tokens);
  return reshape(tokens, [batch, cameras * tokensPerSide(config) ** 2, config.vlmWidth]);
}

/**
 * The original's stem: a stride-`patchSize` convolution, written as one matrix product over patches in row-major order.
 */
function patches(net: Network, images: Tensor): Tensor {
  const { patchSize: p, visionWidth } = net.config;
  const n = present(images.shape[0], 'images.shape[0]');
  const g = tokensPerSide(net.config);
  const cut = transpose(reshape(images, [n, g, p, g, p, 3]), [0, 1, 3, 2, 4, 5]);
  const kernel = reshape(net.weight(`${TOWER}/embedding/kernel`), [p * p * 3, visionWidth]);
  return reshape(linear(reshape(cut, [n * g * g, p * p * 3]), kernel, net.weight(`${TOWER}/embedding/bias`)), [
    n,
    g * g,
    visionWidth,
  ]);
}

/**
 * Strided convolutions, a rectifier after all but the last, RMSNorm over channels before the rectifier of the inner
 * ones.
 */
function convolutions(net: Network, images: Tensor): Tensor {
  const { stem, visionWidth, rmsEpsilon } = net.config;
  if (stem.kind !== 'convolution') throw new Error('unreachable');
  const last = stem.kernels.length - 1;
  let x = images;
  for (let i = 0; i <= last; i++) {
    const stride = present(stem.strides[i], 'stem.strides[i]');
    // output side = input side / stride
    const total = Math.max(present(stem.kernels[i], 'stem.kernels[i]') - stride, 0);
    const padding = Math.ceil(total / 2);
    x = add(
      conv2d(x, net.weight(`${TOWER}/stem/${i}/kernel`), { stride, padding }),
      net.weight(`${TOWER}/stem/${i}/bias`),
    );
    if (i > 0 && i < last)
      x = rmsNorm(x, net.weight(`${TOWER}/stem/${i}/scale`), { epsilon: rmsEpsilon, plusOne: true });
    if (i < last) x = relu(x);
  }
  return reshape(x, [present(x.shape[0], 'x.shape[0]'), -1, visionWidth]);
}

function normalise(net: Network, name: string, x: Tensor, layer?: number): Tensor {
  return layerNorm(x, net.weight(`${name}/scale`, layer), net.weight(`${name}/bias`, layer), {
    epsilon: net.config.layerNormEpsilon,
  });
}

/** One encoder block: pre-LayerNorm attention with biases, then a tanh-GELU MLP; x [n, T, visionWidth]. */
function block(net: Network, x: Tensor, layer: number): Tensor {
  const { visionHeads: heads, visionWidth: width } = net.config;
  const at = `${TOWER}/Transformer/encoderblock`;
  const self = `${at}/MultiHeadDotProductAttention_0`;
  const [n, t] = x.shape as [number, number];
  const headDim = width / heads;
  const h = normalise(net, `${at}/LayerNorm_0`, x, layer);
  const project = (name: string): Tensor => {
    const kernel = reshape(net.weight(`${self}/${name}/kernel`, layer), [width, width]);
    const bias = reshape(net.weight(`${self}/${name}/bias`, layer), [width]);
    return transpose(reshape(linear(h, kernel, bias), [n, t, heads, headDim]), [0, 2, 1, 3]);
  };
  const mixed = attention(project('query'), project('key'), project('value'), { scale: headDim ** -0.5 });
  const joined = reshape(transpose(mixed, [0, 2, 1, 3]), [n, t, width]);
  const out = linear(
    joined,
    reshape(net.weight(`${self}/out/kernel`, layer), [width, width]),
    net.weight(`${self}/out/bias`, layer),
  );
  const attended = add(x, out);
  const number = String(layer).padStart(2, '0');
  net.trace?.(`vision/block${number}_after_attention`, attended);
  const inner = gelu(
    dense(net, `${at}/MlpBlock_0/Dense_0`, normalise(net, `${at}/LayerNorm_1`, attended, layer), layer),
  );
  const y = add(attended, dense(net, `${at}/MlpBlock_0/Dense_1`, inner, layer));
  net.trace?.(`vision/block${number}_out`, y);
  return y;
}

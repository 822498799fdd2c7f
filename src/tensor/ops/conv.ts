import type { Tensor } from '../builder.ts';
import { describe, opError } from '../errors.ts';
import * as onnx from '../primitives.ts';
import { linear } from './matmul.ts';
import { reshape } from './shape.ts';

export interface ConvOptions {
  readonly stride?: number;
  /** Zeros on every side. */
  readonly padding?: number;
}

/**
 * Convolution of images `x` [B, H, W, C] with `w` [kh, kw, C, O] → [B, H', W', O], H' = ⌊(H + 2·padding - kh) / stride⌋ + 1.
 * Patches are gathered by slices (im2col) and multiplied by one GEMM; its weight gradient is one GEMM over the same patches.
 */
export function conv2d(x: Tensor, w: Tensor, { stride = 1, padding = 0 }: ConvOptions = {}): Tensor {
  if (x.shape.length !== 4 || w.shape.length !== 4 || x.shape[3] !== w.shape[2])
    throw opError(
      'conv2d',
      `the kernel does not fit (got ${describe(x)} and ${describe(w)}, expected [B, H, W, C] and [kh, kw, C, O]).`,
    );
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const [kh, kw, , outputs] = w.shape as [number, number, number, number];
  const rows = Math.floor((height + 2 * padding - kh) / stride) + 1;
  const columns = Math.floor((width + 2 * padding - kw) / stride) + 1;
  if (rows < 1 || columns < 1)
    throw opError('conv2d', `the kernel is larger than the padded image (got ${describe(x)} and ${describe(w)}).`);
  const patches = gatherPatches(x, { kh, kw, stride, padding, rows, columns });
  const out = linear(
    reshape(patches, [batch * rows * columns, kh * kw * channels]),
    reshape(w, [kh * kw * channels, outputs]),
  );
  return reshape(out, [batch, rows, columns, outputs]);
}

interface PatchGrid {
  readonly kh: number;
  readonly kw: number;
  readonly stride: number;
  readonly padding: number;
  readonly rows: number;
  readonly columns: number;
}

/** Patches [B, H', W', kh·kw·C] of images [B, H, W, C], kernel row by kernel row. */
function gatherPatches(x: Tensor, { kh, kw, stride, padding, rows, columns }: PatchGrid): Tensor {
  const channels = x.shape[3]!;
  const padded = onnx.pad(x, [0, padding, padding, 0, 0, padding, padding, 0]);
  const parts: Tensor[] = [];
  for (let i = 0; i < kh; i++) {
    const band = onnx.slice(padded, 1, i, i + (rows - 1) * stride + 1, stride);
    for (let j = 0; j < kw; j++) parts.push(onnx.slice(band, 2, j, j + (columns - 1) * stride + 1, stride));
  }
  const patches = onnx.concat(parts, 3);
  return x.builder.record([x], [patches], ([d]) => {
    // Each slice's gradient goes back to its place: zeros between (stride), around (offset), then the sum.
    const pieces = onnx.split(
      d!,
      3,
      parts.map(() => channels),
    );
    let total: Tensor | undefined;
    for (let i = 0; i < kh; i++) {
      let band: Tensor | undefined;
      for (let j = 0; j < kw; j++) {
        const piece = spread(pieces[i * kw + j]!, 2, j, stride, padded.shape[2]!);
        band = band ? onnx.add(band, piece) : piece;
      }
      const placed = spread(band!, 1, i, stride, padded.shape[1]!);
      total = total ? onnx.add(total, placed) : placed;
    }
    const [height, width] = [x.shape[1]!, x.shape[2]!];
    return [onnx.slice(onnx.slice(total!, 1, padding, padding + height), 2, padding, padding + width)];
  });
}

/** Places the entries of `axis` at `offset, offset + stride, …` of an axis of `length`, zeros elsewhere. */
function spread(x: Tensor, axis: number, offset: number, stride: number, length: number): Tensor {
  const count = x.shape[axis]!;
  let wide = x;
  if (stride > 1) {
    const split = [...x.shape.slice(0, axis + 1), 1, ...x.shape.slice(axis + 1)];
    const pads = new Array(split.length * 2).fill(0);
    pads[split.length + axis + 1] = stride - 1;
    const merged = x.shape.map((n, i) => (i === axis ? n * stride : n));
    wide = onnx.reshape(onnx.pad(onnx.reshape(x, split), pads), merged);
  }
  const end = offset + (count - 1) * stride + 1;
  const used = onnx.slice(wide, axis, 0, (count - 1) * stride + 1);
  const pads = new Array(x.shape.length * 2).fill(0);
  pads[axis] = offset;
  pads[x.shape.length + axis] = length - end;
  return onnx.pad(used, pads);
}

import { describe, lengthOf, primitives as onnx, opError, type Tensor } from '../graph/index.ts';
import { matmul } from './matmul.ts';
import { reshape } from './shape.ts';

export interface ConvOptions {
  readonly stride?: number;
  /** Zeros on every side. */
  readonly padding?: number;
}

/**
 * Lengths of a convolution: `x` [batch, height, width, channels], `w` [kh, kw, channels, outputs] → [batch, rows,
 * columns, outputs].
 */
interface Geometry {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly kh: number;
  readonly kw: number;
  readonly outputs: number;
  readonly rows: number;
  readonly columns: number;
  readonly stride: number;
  readonly padding: number;
}

/**
 * Convolution of images `x` [B, H, W, C] with `w` [kh, kw, C, O] → [B, H', W', O], H' = ⌊(H + 2·padding - kh) / stride⌋
 * + 1. One Gather lays out the patches (the runtime's Gather uses all threads, its Slice, Pad and Concat do not), one
 * GEMM multiplies them; the weight gradient is one GEMM over the same patches, the input gradient see `inputGradient`.
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
  const geometry: Geometry = { batch, height, width, channels, kh, kw, outputs, rows, columns, stride, padding };
  // The patches are not recorded: their product's record gives the weight's gradient, the record below the input's.
  const patches = gatherPatches(x, geometry);
  const out = matmul(patches, reshape(w, [kh * kw * channels, outputs]));
  const images = onnx.reshape(out, [batch, rows, columns, outputs]);
  return x.builder.record([x, out], [images], ([d], needed) => [
    needed[0] ? inputGradient(d, w, geometry) : null,
    needed[1] ? onnx.reshape(d, out.shape) : null,
  ]);
}

/** Entries of the pixels of `x` [B, H, W, C] at `index` (H·W stands for a zero pixel): [B, index.length, C]. */
function gatherPixels(x: Tensor, index: readonly number[]): Tensor {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const count = height * width;
  const pixels = onnx.reshape(x, [batch, count, channels]);
  const padded = index.includes(count) ? onnx.pad(pixels, [0, 0, 0, 0, 1, 0]) : pixels;
  const positions = x.builder.constant(index, [index.length], 'int64');
  return x.builder.emit('Gather', [padded, positions], [{ shape: [batch, index.length, channels], dtype: x.dtype }], {
    axis: 1,
  })[0];
}

/**
 * Patches [B·H'·W', kh·kw·C] (im2col). Gathered in runs of as many columns as divide both the stride and the kernel:
 * the first layer's pixels have 3 numbers, and a Gather costs by the piece.
 */
function gatherPatches(x: Tensor, g: Geometry): Tensor {
  const run = greatestDivisor(g.stride, g.kw);
  const padRight = run === 1 ? 0 : g.padding + ((run - ((g.width + 2 * g.padding) % run)) % run);
  // Runs start at the padded left edge, so the columns' padding becomes part of the image.
  const images = run === 1 ? x : onnx.pad(x, [0, 0, g.padding, 0, 0, 0, padRight, 0]);
  const left = run === 1 ? g.padding : 0;
  const width = lengthOf(images.shape, 2) / run;
  const index: number[] = [];
  for (let i = 0; i < g.rows; i++)
    for (let j = 0; j < g.columns; j++)
      for (let a = 0; a < g.kh; a++)
        for (let b = 0; b < g.kw / run; b++)
          index.push(pixelIndex(i * g.stride - g.padding + a, (j * g.stride) / run - left + b, g.height, width));
  const runs = onnx.reshape(images, [g.batch, g.height, width, run * g.channels]);
  return onnx.reshape(gatherPixels(runs, index), [g.batch * g.rows * g.columns, g.kh * g.kw * g.channels]);
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}

function pixelIndex(row: number, column: number, height: number, width: number): number {
  return row >= 0 && row < height && column >= 0 && column < width ? row * width + column : height * width;
}

/**
 * For the input positions `stride·a + phase` of one axis: the kernel positions that reach them, and from which output
 * `a + shift`.
 */
function taps(phase: number, kernel: number, { stride, padding }: Geometry): { at: number; shift: number }[] {
  const list: { at: number; shift: number }[] = [];
  for (let at = 0; at < kernel; at++)
    if ((phase + padding - at) % stride === 0) list.push({ at, shift: (phase + padding - at) / stride });
  return list;
}

/**
 * The gradient of the input [B, H, W, C] from that of the output [B, H', W', O], without scattering: the input rows of
 * one phase (row mod stride) see the same few kernel rows, so their gradient is one GEMM of gathered output gradients
 * with those kernel rows. The columns' phases share the GEMM (with zeros where a phase has no tap), so that its result
 * is already in the order of the image's columns; the row phases are joined by one Concat of whole rows.
 */
function inputGradient(d: Tensor, w: Tensor, g: Geometry): Tensor {
  const { stride, channels, outputs } = g;
  const blockRows = Math.ceil(g.height / stride);
  const blockColumns = Math.ceil(g.width / stride);
  const columnTaps = Array.from({ length: stride }, (_, phase) => taps(phase, g.kw, g));
  const columnShifts = [...new Set(columnTaps.flat().map(({ shift }) => shift))].sort((a, b) => a - b);
  // Kernel positions as rows [kh·kw + 1, O, C]; the last is zero.
  const kernels = onnx.pad(
    onnx.transpose(onnx.reshape(w, [g.kh * g.kw, channels, outputs]), [0, 2, 1]),
    [0, 0, 0, 1, 0, 0],
  );

  const phases = Array.from({ length: stride }, (_, phase) => {
    const rowTaps = taps(phase, g.kh, g);
    const shape = [g.batch, blockRows, 1, blockColumns * stride * channels];
    if (rowTaps.length === 0 || columnShifts.length === 0) return onnx.zeros(d, shape);
    const pixels: number[] = [];
    for (let i = 0; i < blockRows; i++)
      for (let j = 0; j < blockColumns; j++)
        for (const row of rowTaps)
          for (const shift of columnShifts) pixels.push(pixelIndex(i + row.shift, j + shift, g.rows, g.columns));
    const used = rowTaps.flatMap((row) =>
      columnShifts.flatMap((shift) =>
        columnTaps.map((list) => {
          const tap = list.find((candidate) => candidate.shift === shift);
          return tap ? row.at * g.kw + tap.at : g.kh * g.kw;
        }),
      ),
    );
    const count = rowTaps.length * columnShifts.length;
    const index = w.builder.constant(used, [used.length], 'int64');
    const chosen = w.builder.emit(
      'Gather',
      [kernels, index],
      [{ shape: [used.length, outputs, channels], dtype: w.dtype }],
      { axis: 0 },
    )[0];
    const weights = onnx.reshape(
      onnx.transpose(onnx.reshape(chosen, [count, stride, outputs, channels]), [0, 2, 1, 3]),
      [count * outputs, stride * channels],
    );
    const gathered = onnx.reshape(gatherPixels(d, pixels), [g.batch * blockRows * blockColumns, count * outputs]);
    return onnx.reshape(onnx.matmul(gathered, weights), shape);
  });
  const whole = onnx.reshape(onnx.concat(phases, 2), [g.batch, blockRows * stride, blockColumns * stride, channels]);
  return onnx.slice(onnx.slice(whole, 1, 0, g.height), 2, 0, g.width);
}

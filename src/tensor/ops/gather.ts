import { type DataType, describe, lengthOf, primitives as onnx, opError, size, type Tensor } from '../graph/index.ts';
import { axisOf } from './shape.ts';

/** Tables up to this many rows get their gradient as one-hotᵀ · d, a GEMM; larger ones by a scatter. */
const ONE_HOT_ROWS = 1024;

/** Rows of `table` [N, ...] at integer `ids` [...] → [...ids, ...]. The gradient adds up where ids repeat. */
export function gather(table: Tensor, ids: Tensor): Tensor {
  if (table.shape.length < 1 || !ids.dtype.startsWith('int'))
    throw opError('gather', `ids must be integers (got table ${describe(table)}, ids ${describe(ids)}).`);
  const [rows, ...rest] = table.shape as [number, ...number[]];
  const out = table.builder.emit('Gather', [table, ids], [{ shape: [...ids.shape, ...rest], dtype: table.dtype }], {
    axis: 0,
  })[0];
  return table.builder.record([table], [out], ([d]) => {
    const count = size(ids.shape);
    const flat = onnx.reshape(d, [count, size(rest)]);
    if (rows <= ONE_HOT_ROWS) {
      const chosen = onnx.oneHot(onnx.reshape(ids, [count]), rows, table.dtype);
      return [onnx.reshape(onnx.matmul(chosen, flat, true, false), table.shape)];
    }
    // Not ScatterND: the runtime adds repeated rows from several threads at once and loses some.
    const index = onnx.expand(onnx.cast(onnx.reshape(ids, [count, 1]), 'int64'), [count, size(rest)]);
    const zero = onnx.zeros(table, [rows, size(rest)]);
    const added = table.builder.emit('ScatterElements', [zero, index, flat], [zero], { axis: 0, reduction: 'add' })[0];
    return [onnx.reshape(added, table.shape)];
  });
}

/** Entries of `x` at constant positions `ids` along `axis`. */
export function gatherAxis(x: Tensor, ids: readonly number[], axis: number): Tensor {
  const at = axisOf('gatherAxis', x, axis);
  const length = lengthOf(x.shape, at);
  if (ids.some((id) => !Number.isInteger(id) || id < 0 || id >= length))
    throw opError('gatherAxis', `an id is not within axis ${at} of ${describe(x)}.`);
  const shape = x.shape.map((n, i) => (i === at ? ids.length : n));
  const index = x.builder.constant(ids, [ids.length], 'int64');
  const out = x.builder.emit('Gather', [x, index], [{ shape, dtype: x.dtype }], { axis: at })[0];
  return x.builder.record([x], [out], ([d]) => {
    // One-hotᵀ · d with the gathered axis as rows.
    const chosen = new Float64Array(length * ids.length);
    ids.forEach((id, i) => {
      chosen[id * ids.length + i] = 1;
    });
    const before = size(x.shape.slice(0, at));
    const after = size(x.shape.slice(at + 1));
    const select = x.builder.constant(chosen, [1, length, ids.length], x.dtype);
    return [onnx.reshape(onnx.matmul(select, onnx.reshape(d, [before, ids.length, after])), x.shape)];
  });
}

/** `ids` [...] → [..., n] with 1 at the id and 0 elsewhere. No gradient. */
export function oneHot(ids: Tensor, n: number, dtype: DataType = 'float32'): Tensor {
  return onnx.oneHot(ids, n, dtype);
}

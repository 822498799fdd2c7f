import { ByteWriter, parquetWrite } from 'hyparquet-writer';
import { present } from '../../base/index.ts';
import { ParquetError } from './parquet.ts';

/** A column to write: `float32` lists of `width` numbers, or plain numbers (width undefined); booleans are 0 and 1. */
export interface ColumnToWrite {
  readonly name: string;
  readonly kind: 'int64' | 'float64' | 'float32' | 'bool' | 'float32list';
  readonly data: ArrayLike<number>;
  readonly width?: number;
}

/**
 * Encodes columns of `rows` rows as a snappy parquet file with ordinary 3-level lists, the form that pandas and
 * LeRobot write.
 */
export function encodeParquet(columns: readonly ColumnToWrite[], rows: number): Uint8Array {
  const schema: object[] = [{ name: 'schema', num_children: columns.length }];
  const columnData = columns.map(({ name, kind, data, width = 1 }) => {
    if (data.length !== rows * width)
      throw new ParquetError(name, `has ${data.length} numbers (expected ${rows} rows of ${width}).`);
    if (kind === 'float32list') {
      schema.push(
        { name, repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' } },
        { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
        { name: 'element', type: 'FLOAT', repetition_type: 'OPTIONAL' },
      );
      const lists = Array.from({ length: rows }, (_, row) => {
        const list = new Array<number>(width);
        for (let i = 0; i < width; i++) list[i] = present(data[row * width + i], 'data[row * width + i]');
        return list;
      });
      return { name, data: lists, encoding: 'PLAIN' as const };
    }
    const type = { int64: 'INT64', float64: 'DOUBLE', float32: 'FLOAT', bool: 'BOOLEAN' }[kind];
    schema.push({ name, type, repetition_type: 'OPTIONAL' });
    return { name, data: valuesOf(kind, data), encoding: 'PLAIN' as const };
  });
  const writer = new ByteWriter();
  parquetWrite({
    writer,
    schema: schema as never,
    columnData,
    codec: 'SNAPPY',
    statistics: false,
    rowGroupSize: Math.max(1, rows),
  });
  return new Uint8Array(writer.getBuffer());
}

/** Numbers as the writer takes them. */
function valuesOf(kind: Exclude<ColumnToWrite['kind'], 'float32list'>, data: ArrayLike<number>) {
  if (kind === 'int64') return Array.from(data, BigInt);
  if (kind === 'bool') return Array.from(data, (value) => value !== 0);
  return Float64Array.from(data);
}

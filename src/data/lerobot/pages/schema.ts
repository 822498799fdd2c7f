import type { SchemaElement } from 'hyparquet';

/** A column of numbers below a list. */
export interface Leaf {
  /** Among the columns of a row group. */
  readonly index: number;
  /** The definition level of a number that is there. */
  readonly definition: number;
}

/**
 * The leaf of a column of lists of float32 in their three-level form
 * (https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#lists), whatever the
 * levels are called; undefined where it is of another form.
 */
export function listLeaf(schema: readonly SchemaElement[], name: string): Leaf | undefined {
  let [at, index] = [1, 0];
  /** Goes past an element and all below it. */
  const pass = () => {
    const { num_children: children = 0 } = schema[at++]!;
    if (children === 0) index++;
    for (let i = 0; i < children; i++) pass();
  };
  for (let top = 0; top < (schema[0]?.num_children ?? 0); top++) {
    if (schema[at]!.name !== name) {
      pass();
      continue;
    }
    const [list, repeated, item] = schema.slice(at, at + 3) as (SchemaElement | undefined)[];
    if (!list || !repeated || !item) return undefined;
    const isList = list.converted_type === 'LIST' || list.logical_type?.type === 'LIST';
    if (!isList || list.num_children !== 1 || list.repetition_type === 'REPEATED') return undefined;
    // A repeated group of one of these names is the item itself.
    const itself = repeated.name === 'array' || repeated.name === `${name}_tuple`;
    if (repeated.repetition_type !== 'REPEATED' || repeated.num_children !== 1 || itself) return undefined;
    if (item.type !== 'FLOAT' || item.num_children || item.repetition_type === 'REPEATED') return undefined;
    const optional = (element: SchemaElement) => (element.repetition_type === 'OPTIONAL' ? 1 : 0);
    return { index, definition: optional(list) + 1 + optional(item) };
  }
  return undefined;
}

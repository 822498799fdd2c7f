import { PageReader } from './pages/pageReader.ts';
import { type Column, readColumns } from './parquet.ts';

let pages: PageReader | undefined;

/**
 * Whole numeric columns of one parquet file: the one way to them. Lists of float32 come straight from the pages;
 * scalars, other forms and whatever is damaged are left to the general reader. The numbers are the same to the bit.
 * @throws ParquetError as `readColumns`
 */
export async function numericColumns<N extends string>(path: string, names: readonly N[]): Promise<Record<N, Column>> {
  const found: [N, Column | undefined][] = names.map((name) => [name, fromPages(path, name)]);
  const others = found.filter(([, column]) => !column).map(([name]) => name);
  const rest = others.length > 0 ? await readColumns(path, others) : ({} as Record<N, Column>);
  return Object.fromEntries(found.map(([name, column]) => [name, column ?? rest[name]])) as Record<N, Column>;
}

/** A column of float32 lists; undefined where the page reader does not know its form. */
function fromPages(path: string, name: string): Column | undefined {
  pages ??= new PageReader();
  const pieces: Float32Array[] = [];
  const column = { rows: 0, width: 0 };
  const known = pages.read(path, [name], (_, data, start, rows, width) => {
    pieces.push(data.slice(start, start + rows * width));
    column.rows += rows;
    column.width = width;
  });
  if (!known || column.rows === 0) return undefined;
  const data = new Float32Array(column.rows * column.width);
  let at = 0;
  for (const piece of pieces) {
    data.set(piece, at);
    at += piece.length;
  }
  return { ...column, data };
}

import { pictureKernels } from '../kernels/index.ts';
import type { Picture } from '../robot/index.ts';
import { dropAlpha } from './dropAlpha.ts';
import { type Filter, filterFor } from './triangleFilter.ts';

const PAGE = 65536;
/** Memory that is kept from one picture to the next; more is let go of. */
const KEPT_PAGES = (64 * 2 ** 20) / PAGE;
/** Bytes that a kernel may touch beyond the end of what it was given. */
const SLACK = 16;

/** Where a picture is worked on: one memory a thread, which grows with the pictures. */
interface Workspace {
  readonly memory: WebAssembly.Memory;
  readonly kernels: ReturnType<typeof pictureKernels>;
}

let kept: Workspace | undefined;

/** A workspace of at least so many bytes. */
function workspace(bytes: number): Workspace {
  const pages = Math.ceil(bytes / PAGE);
  if (!kept) {
    const memory = new WebAssembly.Memory({ initial: pages });
    kept = { memory, kernels: pictureKernels(memory) };
  }
  const missing = pages - kept.memory.buffer.byteLength / PAGE;
  if (missing > 0) kept.memory.grow(missing);
  return kept;
}

/** One pass over rows or columns, by its filter. */
interface Pass {
  readonly along: 'rows' | 'columns';
  readonly filter: Filter;
  readonly to: number;
}

/**
 * The passes of a picture that becomes w×h; a side that keeps its size is not resampled. As in Pillow 13, the rows come
 * first unless the height shrinks by more than twice as many pixels as the width (then the columns do; earlier
 * versions never did that, 1 level apart in some values).
 */
function passes({ width, height }: Picture, w: number, h: number): Pass[] {
  const rows: Pass[] = w === width ? [] : [{ along: 'rows', filter: filterFor(width, w), to: w }];
  const columns: Pass[] = h === height ? [] : [{ along: 'columns', filter: filterFor(height, h), to: h }];
  const columnsFirst = h < height && height - h > 2 * (width - w);
  return columnsFirst ? [...columns, ...rows] : [...rows, ...columns];
}

/** RGB [h, w, 3] of a picture of another size, each pass rounded to 8 bits; alpha is dropped. */
export function resample(picture: Picture, w: number, h: number): Uint8Array {
  let end = 0;
  const room = (bytes: number): number => {
    const begin = end;
    end += 16 * Math.ceil((bytes + SLACK) / 16);
    return begin;
  };
  const pixels = room(picture.data.length);
  let { width, height }: { width: number; height: number } = picture;
  let channels: number = picture.channels;
  const steps = passes(picture, w, h).map(({ along, filter, to }) => {
    const before = { width, height, channels };
    // A pass over rows drops alpha; one over columns alone keeps it.
    if (along === 'rows') [width, channels] = [to, 3];
    else height = to;
    const [first, offsets, weights] = [filter.first, filter.offsets, filter.weights].map((values) => ({
      values,
      at: room(values.byteLength),
    })) as [Table, Table, Table];
    return { along, to, before, first, offsets, weights, out: room(width * height * channels) };
  });
  const { memory, kernels } = workspace(end);
  new Uint8Array(memory.buffer).set(picture.data, pixels);
  let from = pixels;
  for (const { along, to, before, first, offsets, weights, out } of steps) {
    for (const { values, at } of [first, offsets, weights])
      new Int32Array(memory.buffer, at, values.length).set(values);
    const filter = [first.at, offsets.at, weights.at, to, out] as const;
    if (along === 'rows') kernels.resampleRows(from, before.height, before.width, before.channels, ...filter);
    else kernels.resampleColumns(from, before.width * before.channels, ...filter);
    from = out;
  }
  const result = new Uint8Array(memory.buffer, from, width * height * channels).slice();
  if (memory.buffer.byteLength > KEPT_PAGES * PAGE) kept = undefined;
  return channels === 3 ? result : dropAlpha(result);
}

/** A table of a filter and its place in memory. */
interface Table {
  readonly values: Int32Array;
  readonly at: number;
}

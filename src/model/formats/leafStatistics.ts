import { Progress } from '../../base/index.ts';
import { streamLeaf } from './readLeaf.ts';
import { bytesOf, elementsOf, type StoredLeaf } from './storedLeaf.ts';
import { toNumbers } from './storedType.ts';

export interface LeafStatistics {
  readonly count: number;
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  /** Deviation over all finite numbers. */
  readonly std: number | null;
  readonly nan: number;
  readonly infinite: number;
  readonly zeros: number;
}

/** Statistics of a leaf's finite numbers, piece by piece in little memory. */
export async function leafStatistics(leaf: StoredLeaf): Promise<LeafStatistics> {
  const convert = toNumbers(leaf.dtype);
  const progress = new Progress(leaf.name, Math.round(bytesOf(leaf) / 1e6), { unit: 'MB' });
  let [min, max, sum, squares, nan, infinite, zeros, done] = [Infinity, -Infinity, 0, 0, 0, 0, 0, 0];
  let first: number | undefined; // sums are of differences to it, so that a large mean does not drown a small deviation
  await streamLeaf(leaf, (_, bytes) => {
    for (const x of convert(bytes)) {
      if (x === 0) zeros++;
      if (Number.isFinite(x)) {
        if (x < min) min = x;
        if (x > max) max = x;
        first ??= x;
        sum += x - first;
        squares += (x - first) ** 2;
      } else if (Number.isNaN(x)) nan++;
      else infinite++;
    }
    done += bytes.length;
    if (bytes.length > 65536) progress.at(Math.round(done / 1e6));
  });
  progress.end();
  const count = elementsOf(leaf.shape);
  const finite = count - nan - infinite;
  const shift = sum / finite;
  return {
    count,
    min: finite > 0 ? min : null,
    max: finite > 0 ? max : null,
    mean: first === undefined ? null : first + shift,
    std: first === undefined ? null : Math.sqrt(Math.max(0, squares / finite - shift ** 2)),
    nan,
    infinite,
    zeros,
  };
}

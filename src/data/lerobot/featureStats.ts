/** Statistics of one episode's column, as meta/episodes_stats.jsonl holds them. */
export interface FeatureStats {
  readonly min: number[];
  readonly max: number[];
  readonly mean: number[];
  readonly std: number[];
  readonly q01: number[];
  readonly q99: number[];
  readonly count: [number];
}

/**
 * Per column of values [rows, width]: extremes, moments (population), 1 % and 99 % quantiles (linear between ranks,
 * as numpy).
 */
export function featureStats(values: Float32Array, width: number): FeatureStats {
  const rows = values.length / width;
  const out = {
    min: [] as number[],
    max: [] as number[],
    mean: [] as number[],
    std: [] as number[],
    q01: [] as number[],
    q99: [] as number[],
  };
  const column = new Float32Array(rows);
  const quantile = (q: number) => {
    const at = q * (rows - 1);
    const low = Math.floor(at);
    return column[low]! + (column[Math.min(rows - 1, low + 1)]! - column[low]!) * (at - low);
  };
  for (let c = 0; c < width; c++) {
    let sum = 0;
    for (let r = 0; r < rows; r++) sum += column[r] = values[r * width + c]!;
    const mean = sum / rows;
    let squares = 0;
    for (let r = 0; r < rows; r++) squares += (column[r]! - mean) ** 2;
    column.sort();
    out.min.push(column[0]!);
    out.max.push(column[rows - 1]!);
    out.mean.push(mean);
    out.std.push(Math.sqrt(squares / rows));
    out.q01.push(quantile(0.01));
    out.q99.push(quantile(0.99));
  }
  return { ...out, count: [rows] };
}

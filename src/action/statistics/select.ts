/**
 * The k-th smallest of `x`, known to lie between the places `low` and `high`; puts `x` in another order (Hoare's
 * selection).
 */
export function select(x: Float32Array, k: number, low: number, high: number): number {
  while (low < high) {
    const pivot =
      high - low < 4 * FEW.length ? middle(x[low]!, x[(low + high) >> 1]!, x[high]!) : near(x, k, low, high);
    let [i, j] = [low, high];
    while (i <= j) {
      while (x[i]! < pivot) i++;
      while (x[j]! > pivot) j--;
      if (i <= j) {
        const kept = x[i]!;
        x[i++] = x[j]!;
        x[j--] = kept;
      }
    }
    if (k <= j) high = j;
    else if (k >= i) low = i;
    else return x[k]!;
  }
  return x[k]!;
}

const middle = (a: number, b: number, c: number) => Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));

const FEW = new Float32Array(63);
/**
 * One of the numbers that is likely to lie just beyond the k-th, seen from the nearer end: nearly all others are then
 * out of the way at once.
 */
function near(x: Float32Array, k: number, low: number, high: number): number {
  const m = FEW.length;
  const every = (high - low) / (m - 1);
  for (let i = 0; i < m; i++) FEW[i] = x[low + Math.floor(i * every)]!;
  FEW.sort();
  const part = (k - low) / (high - low);
  const spread = Math.sqrt(m * part * (1 - part)) + 1;
  const rank = Math.round((m - 1) * part + (part < 0.5 ? spread : -spread));
  return FEW[Math.min(m - 1, Math.max(0, rank))]!;
}

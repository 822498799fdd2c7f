/**
 * The two-sided 95 % quantile of Student's t: Cornish and Fisher's expansion, within 1 % of the tables; the normal one
 * for infinitely many degrees of freedom.
 */
export function studentQuantile(freedom: number): number {
  const z = 1.959963984540054;
  const d = Math.max(freedom, 1);
  if (d < 3) return d < 2 ? 12.71 + (d - 1) * (4.303 - 12.71) : 4.303 + (d - 2) * (3.182 - 4.303);
  return (
    z +
    (z ** 3 + z) / (4 * d) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * d ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * d ** 3)
  );
}

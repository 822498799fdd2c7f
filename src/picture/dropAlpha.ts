/** RGB of RGBA pixels. */
export function dropAlpha(data: Uint8Array): Uint8Array {
  const out = new Uint8Array((data.length / 4) * 3);
  for (let i = 0, o = 0; i < data.length; i += 4) {
    out[o++] = data[i]!;
    out[o++] = data[i + 1]!;
    out[o++] = data[i + 2]!;
  }
  return out;
}

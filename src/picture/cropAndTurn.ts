/** One draw of the geometry of a square picture. */
export interface Placement {
  /** Side of the part that is kept, in pixels. */
  readonly kept: number;
  /** Its centre, in pixels right of and below the picture's. */
  readonly dx: number;
  readonly dy: number;
  /** Radians by which the picture turns, clockwise where positive. */
  readonly angle: number;
}

/**
 * Cuts a part out of a picture, scales it back and turns it about its centre, in one bilinear sampling. What lies
 * outside of the picture is black, and an edge blends into it. So augmax 0.4.1 composes `RandomCrop`, `Resize` and
 * `Rotate`: an output place goes through the turn, the scale and the shift to where it is read.
 * @param pixels uint8 [side, side, 3] @param out [side, side, 3], levels
 */
export function cropAndTurn(
  pixels: Uint8Array,
  side: number,
  { kept, dx, dy, angle }: Placement,
  out: Float64Array,
): void {
  const centre = side / 2 - 0.5;
  const scale = kept / side;
  const [cos, sin] = [scale * Math.cos(angle), scale * Math.sin(angle)];
  for (let row = 0, at = 0; row < side; row++)
    for (let column = 0; column < side; column++, at += 3) {
      const [y, x] = [row - centre, column - centre];
      const fromY = cos * y + sin * x + dy + centre;
      const fromX = cos * x - sin * y + dx + centre;
      const [top, left] = [Math.floor(fromY), Math.floor(fromX)];
      const [down, right] = [fromY - top, fromX - left];
      out[at] = 0;
      out[at + 1] = 0;
      out[at + 2] = 0;
      for (let corner = 0; corner < 4; corner++) {
        const [r, c] = [top + (corner >> 1), left + (corner & 1)];
        if (r < 0 || c < 0 || r >= side || c >= side) continue;
        const weight = (corner >> 1 ? down : 1 - down) * (corner & 1 ? right : 1 - right);
        const from = 3 * (r * side + c);
        out[at]! += weight * pixels[from]!;
        out[at + 1]! += weight * pixels[from + 1]!;
        out[at + 2]! += weight * pixels[from + 2]!;
      }
    }
}

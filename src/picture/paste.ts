/** A picture that others are put into: uint8 [height, width, 3]. */
interface Canvas {
  readonly width: number;
  readonly data: Uint8Array;
}

/** Copies a picture (RGB) into a larger one; what reaches beyond its right edge is left out. */
export function paste(
  { width, data }: Canvas,
  picture: Canvas & { readonly height: number },
  left: number,
  top: number,
): void {
  const shown = Math.min(picture.width, width - left);
  for (let row = 0; row < picture.height; row++) {
    const from = 3 * row * picture.width;
    data.set(picture.data.subarray(from, from + 3 * shown), 3 * ((top + row) * width + left));
  }
}

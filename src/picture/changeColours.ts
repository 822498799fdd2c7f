/** One draw of a picture's colours; each 0 changes nothing. */
export interface HsvChange {
  /** In (-1, 1): below zero towards black, above towards white. */
  readonly brightness: number;
  /** In (-1, 1): the slope at mid-grey is tan((1 + contrast) · π / 4). */
  readonly contrast: number;
  /** In turns of the colour circle. */
  readonly hue: number;
  /** In (-1, 1): below zero towards grey, above towards full colour. */
  readonly saturation: number;
}

/**
 * Changes hue, saturation and value of each pixel, as `ColorJitter` of augmax 0.4.1 defines them (its `saturation` is
 * computed there and not used; here it acts). What is in [0, 255] stays there.
 * @param levels [pixels, 3] red, green, blue, changed in place
 */
export function changeColours(levels: Float64Array, { brightness, contrast, hue, saturation }: HsvChange): void {
  const curve = contrastCurve(contrast);
  for (let at = 0; at < levels.length; at += 3) {
    const [red, green, blue] = [levels[at]! / 255, levels[at + 1]! / 255, levels[at + 2]! / 255];
    const most = Math.max(red, green, blue);
    const range = most - Math.min(red, green, blue);
    const turn = range === 0 ? 0 : hueOf({ red, green, blue, most, range }) + 6 * hue;
    const full = towards(most === 0 ? 0 : range / most, saturation);
    const value = curve(towards(most, brightness));
    levels[at] = 255 * channel(value, full, 5 + turn);
    levels[at + 1] = 255 * channel(value, full, 3 + turn);
    levels[at + 2] = 255 * channel(value, full, 1 + turn);
  }
}

/** In sixths of the circle, from red on. */
function hueOf(pixel: { red: number; green: number; blue: number; most: number; range: number }): number {
  const { red, green, blue, most, range } = pixel;
  if (red === most) return (green - blue) / range;
  return green === most ? 2 + (blue - red) / range : 4 + (red - green) / range;
}

/** A number of [0, 1], a share of its way to 0 or to 1. */
const towards = (value: number, share: number): number =>
  share < 0 ? value * (1 + share) : value * (1 - share) + share;

/** Steep in the middle and flat at both ends, or the other way; 0, 1/2 and 1 stay. */
function contrastCurve(contrast: number): (value: number) => number {
  const slope = Math.tan(((1 + contrast) * Math.PI) / 4);
  // Without contrast the formula divides 0 by 0.
  const bend = contrast === 0 ? 0 : (slope - slope ** 2) / (2 * (1 - slope ** 2));
  return (value) => {
    if (value < bend) return value / slope;
    if (value > 1 - bend) return value / slope + 1 - 1 / slope;
    return slope * (value - 0.5) + 0.5;
  };
}

/** A channel of hue, saturation and value: https://en.wikipedia.org/wiki/HSL_and_HSV#HSV_to_RGB_alternative */
function channel(value: number, saturation: number, place: number): number {
  const k = ((place % 6) + 6) % 6;
  return value - value * saturation * Math.max(0, Math.min(k, 4 - k, 1));
}

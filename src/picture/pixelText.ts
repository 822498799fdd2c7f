/** Height and width of a letter, with the space behind it, in its own pixels. */
const HEIGHT = 8;
const ADVANCE = 6;

/** Letters of 5 columns; bit k of a column is its k-th pixel from above. The classic 5×7 terminal font. */
const GLYPHS: Readonly<Record<string, readonly number[]>> = Object.fromEntries(
  (
    '0 3E5149453E 1 00427F4000 2 7249494946 3 2141494D33 4 1814127F10 5 2745454539 6 3C4A494931 7 4121110907 ' +
    '8 3649494936 9 464949291E - 0808080808 . 0000606000 : 0000140000 _ 4040404040 ' +
    'a 2054547840 b 7F28444438 c 3844444428 d 384444287F e 3854545418 f 00087E0902 g 18A4A49C78 h 7F08040478 ' +
    'i 00447D4000 j 2040403D00 k 7F10284400 l 00417F4000 m 7C04780478 n 7C08040478 o 3844444438 p FC18242418 ' +
    'q 18242418FC r 7C08040408 s 4854545424 t 04043F4424 u 3C4040207C v 1C2040201C w 3C4030403C x 4428102844 ' +
    'y 4C9090907C z 4464544C44'
  )
    .split(' ')
    .reduce<[string, number[]][]>((pairs, word, i, words) => {
      if (i % 2 === 0) pairs.push([word, (words[i + 1]?.match(/../g) ?? []).map((hex) => Number.parseInt(hex, 16))]);
      return pairs;
    }, []),
);

export interface TextPicture {
  readonly width: number;
  readonly height: number;
  /** uint8 [height, width, 3], light on black. */
  readonly data: Uint8Array;
}

/**
 * A line of small letters as a picture, the same on every machine: no font has to be installed. Letters that the font
 * does not have are left blank.
 * @param scale side of one of its pixels
 */
export function pixelText(text: string, scale = 2): TextPicture {
  const width = Math.max(1, text.length * ADVANCE - 1) * scale;
  const height = HEIGHT * scale;
  const data = new Uint8Array(width * height * 3);
  [...text.toLowerCase()].forEach((letter, i) => {
    GLYPHS[letter]?.forEach((column, x) => {
      for (let y = 0; y < HEIGHT; y++) if ((column >> y) & 1) square((i * ADVANCE + x) * scale, y * scale);
    });
  });
  return { width, height, data };

  function square(left: number, top: number): void {
    for (let y = top; y < top + scale; y++) data.fill(230, (y * width + left) * 3, (y * width + left + scale) * 3);
  }
}

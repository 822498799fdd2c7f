import sharp from 'sharp';
import { escapeHtml, native, significant } from '../../base/index.ts';

/** Colours of all figures, the same as the report's on paper. */
export const INK = { text: '#1c1d21', soft: '#6b6e76', line: '#e4e2dc', accent: '#0f766e', warm: '#b45309' } as const;

/** A rectangle of the drawing, pixels. */
export interface Panel {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Heading {
  readonly title: string;
  /** A sentence below the title. */
  readonly note: string;
  readonly width: number;
  readonly height: number;
}

/** Height that title and note take, of two lines. */
export const HEADING = 82;
/** Width of figures that are to be read on a telephone, too: there they are shown at half their size. */
export const READABLE_WIDTH = 640;
/** Pixels a character of a note takes, about. */
const CHARACTER = 7.2;

/** A whole drawing on white, with its title. It refers to nothing outside itself. */
export function drawing({ title, note, width, height }: Heading, body: readonly string[]): string {
  const lines = wrapped(note, (width - 40) / CHARACTER);
  const notes = lines.map((line, i) => label(20, 52 + 18 * i, line, { colour: INK.soft }));
  const head = label(20, 30, title, { size: 19, weight: 620 }) + notes.join('');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" \
font-family="ui-sans-serif, system-ui, 'Segoe UI', Roboto, sans-serif" role="img" aria-label="${escapeHtml(title)}">
<rect width="${width}" height="${height}" fill="#fff"/>
${head}
${body.join('\n')}
</svg>
`;
}

/** Lines of at most so many characters. */
function wrapped(text: string, most: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= most) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

export interface LabelStyle {
  readonly size?: number;
  readonly weight?: number;
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly colour?: string;
  /** Degrees about its own place. */
  readonly turn?: number;
}

export function label(x: number, y: number, words: string, style: LabelStyle = {}): string {
  const { size = 14, weight = 400, anchor = 'start', colour = INK.text, turn } = style;
  const turned = turn === undefined ? '' : ` transform="rotate(${turn} ${fixed(x)} ${fixed(y)})"`;
  return (
    `<text x="${fixed(x)}" y="${fixed(y)}" font-size="${size}" font-weight="${weight}" fill="${colour}" ` +
    `text-anchor="${anchor}"${turned}>${escapeHtml(words)}</text>`
  );
}

/** A line through points, in pixels. */
export function path(points: readonly (readonly [number, number])[], colour: string, width = 1.6, dash = ''): string {
  const places = points.map(([x, y]) => `${fixed(x)},${fixed(y)}`).join(' ');
  const dashed = dash === '' ? '' : ` stroke-dasharray="${dash}"`;
  return (
    `<polyline points="${places}" fill="none" stroke="${colour}" stroke-width="${width}" ` +
    `stroke-linejoin="round"${dashed}/>`
  );
}

export function rectangle({ x, y, width, height }: Panel, fill: string, title = ''): string {
  const told = title === '' ? '' : `<title>${escapeHtml(title)}</title>`;
  const size = `width="${fixed(width)}" height="${fixed(height)}"`;
  return `<rect x="${fixed(x)}" y="${fixed(y)}" ${size} fill="${fill}">${told}</rect>`;
}

export type Colour = readonly [number, number, number];

/** A matrix as a picture, a pixel a number, stretched over the panel without smoothing. */
export async function matrix(
  values: ArrayLike<number>,
  rows: number,
  columns: number,
  colour: (value: number) => Colour,
  { x, y, width, height }: Panel,
): Promise<string> {
  const pixels = Buffer.alloc(rows * columns * 3);
  for (let i = 0; i < rows * columns; i++) pixels.set(colour(values[i] ?? 0), 3 * i);
  const raw = { width: columns, height: rows, channels: 3 as const };
  const png = await native(() => sharp(pixels, { raw }).png({ compressionLevel: 9, palette: false }).toBuffer());
  const place = `x="${fixed(x)}" y="${fixed(y)}" width="${fixed(width)}" height="${fixed(height)}"`;
  return (
    `<image ${place} ` +
    `preserveAspectRatio="none" image-rendering="pixelated" href="data:image/png;base64,${png.toString('base64')}"/>` +
    `<rect ${place} fill="none" stroke="${INK.line}"/>`
  );
}

const mixed = (from: Colour, to: Colour, share: number): Colour =>
  [0, 1, 2].map((k) => Math.round((from[k] as number) + share * ((to[k] as number) - (from[k] as number)))) as never;

/** -1 blue, 0 white, 1 orange; further ones as the ends. */
export function diverging(value: number): Colour {
  const share = Math.min(1, Math.abs(value));
  return mixed([255, 255, 255], value < 0 ? [33, 82, 150] : [178, 74, 10], Math.sqrt(share));
}

export const rgb = ([red, green, blue]: Colour): string => `rgb(${red},${green},${blue})`;

/** A bar with the ends and the middle of a diverging scale. */
export function divergingKey(x: number, y: number, width: number, most: number): string {
  const steps = 40;
  const bars = Array.from({ length: steps }, (_, i) =>
    rectangle(
      { x: x + (i * width) / steps, y, width: width / steps + 0.5, height: 10 },
      rgb(diverging((2 * i) / (steps - 1) - 1)),
    ),
  );
  const ends = [-most, 0, most].map((value, i) =>
    label(x + (i * width) / 2, y + 24, significant(value, 2), {
      size: 13,
      anchor: 'middle',
      colour: INK.soft,
    }),
  );
  return bars.join('') + ends.join('');
}

/** Numbers of steps for an axis of `count` steps, at most seven. */
export function stepTicks(count: number): number[] {
  const every = [1, 2, 5, 10, 20, 50].find((each) => count / each <= 7) ?? 100;
  return Array.from({ length: Math.ceil(count / every) }, (_, i) => i * every);
}

/** Axis marks below a panel: [value, place 0…1]. */
export function marksBelow({ x, y, width, height }: Panel, marks: readonly (readonly [string, number])[]): string {
  return marks
    .map(([words, share]) =>
      label(x + share * width, y + height + 17, words, { size: 13, anchor: 'middle', colour: INK.soft }),
    )
    .join('');
}

/** Axis marks left of a panel: [value, place from the top 0…1]. */
export function marksLeft({ x, y, height }: Panel, marks: readonly (readonly [string, number])[]): string {
  return marks
    .map(([words, share]) => label(x - 6, y + share * height + 4, words, { size: 13, anchor: 'end', colour: INK.soft }))
    .join('');
}

const fixed = (value: number): string => String(Number(value.toFixed(2)));

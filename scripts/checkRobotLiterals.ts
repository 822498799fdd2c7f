import { type Finding, isTest, type Source } from './sources.ts';

/**
 * A robot is a value: outside src/robot/ no file names one, and none holds its widths, rate or lengths as literals,
 * in code or comments. A line that needs one says why, on itself or in the comment line above: `robot-literal: why`.
 */
export function checkRobotLiterals(files: readonly Source[]): Finding[] {
  return files
    .filter(({ path }) => !path.startsWith('src/robot/') && !isTest(path))
    .flatMap(({ path, text }) => robotLiterals(text).map((found) => ({ path, ...found })));
}

const ALLOWED = /robot-literal: \S/;
const COMMENT_ONLY = /^\s*(\/\/|#|\/?\*)/;

/** Lines of a source text that name a robot or hold one of its numbers. */
export function robotLiterals(text: string): { line: number; text: string }[] {
  const lines = text.split('\n');
  return lines.flatMap((line, index) => {
    const above = lines[index - 1] ?? '';
    if (ALLOWED.test(line) || (COMMENT_ONLY.test(above) && ALLOWED.test(above))) return [];
    return holdsRobotLiteral(line) ? [{ line: index + 1, text: line.trim() }] : [];
  });
}

/** What looks like one of the numbers and is something else: dates, powers and shifts of two, clock times, bins. */
const ELSEWHERE =
  /\d{4}-\d\d-\d\d|\*\*\s*\d+|(<<|>>>?)\s*\d+|\b\d+(?=\s*<<)|\b\d\d:\d\d:\d\d|\d\.?\d*e[-+]?\d+|bins?\s*[:=]\s*\d+/gi;

/** A number by itself: no part of a word, of a longer number, of a version or of a colour. */
const bare = (numbers: string): string => `(?<![\\w.#$-])(?:${numbers})(?![\\w%]|\\.\\d)`;

/** Settings of a network, which are no robot's: `headDim: 256`, `visionWidth: 32`. */
const NETWORK = /\b(headDim|hidden|visionWidth|vlmWidth|expertWidth|tokenWidth|vocabSize|\w*[mM]lp\w*)\b\s*:\s*\d+/g;

/** `[B, 30, 32]` in a comment, `shape: [256]` in code: what stands between the brackets. */
const COMMENT_SHAPE = /\[((?:[\w.…]+|\s|[,+×*-])*)\]/g;
const CODE_SHAPE = /\b(?:shape|dims)\w*\s*[:=]\s*\[([^\]]*)\]/gi;
const IN_SHAPE = new RegExp(bare('30|32|256'));
/** A row of plain numbers in a comment with no axis name is a table of values, unless it is one entry: `[256]`. */
const SHAPE_LIKE = /[A-Za-z]|^\s*\d+\s*$/;

const RULES: readonly RegExp[] = [
  /(?<![a-z0-9])r1[ _-]?pro(?!cess|gram|duc|b|x|t)/i,
  new RegExp(bare('23|61')),
  // The control rate and the chunk's length.
  /(?<![\w.])30 ?(?:Hz|fps|hertz|frames a second|steps a second|control steps|actions|steps of)\b/i,
  new RegExp(`(?:[/*]|chunks? of) ?${bare('30')}`, 'i'),
  new RegExp(`${bare('30')} ?(?:\\* ?\\w*(?:second|step|time)|×)`, 'i'),
  new RegExp(
    `(?:fps|hz|rate|horizon|perSecond|every|\\bsteps)["']?\\s*(?:[:=]|is|of|\\.default\\()[^,;)]{0,16}?${bare('30')}`,
    'i',
  ),
  new RegExp(`(?:horizon|rate)\\w*\\W{1,3}(?:\\w+\\W+){0,2}?${bare('30')}`, 'i'),
  // The padded width.
  new RegExp(`(?:width|dim|padded|paddedWidth|columns)\\w*["']?\\s*(?:[:=(]|is|of|to)[^,;]{0,16}?${bare('32')}`, 'i'),
  new RegExp(`${bare('32')} ?(?:normalised|state|action|columns|numbers|padded|wide)`, 'i'),
  new RegExp(`(?:padded|rows? of)\\b[^,;]{0,24}?${bare('32')}`, 'i'),
  new RegExp(`${bare('32')}[^,;]{0,4}\\b.{0,16}padd`, 'i'),
  // Proprioception.
  new RegExp(`(?:proprio|state|observation)\\w*\\b.{0,40}?${bare('256')}(?! ?-?bins?| rows| bytes)`, 'i'),
  new RegExp(`${bare('256')}(?! ?-?bins?| bytes).{0,24}?\\b(?:proprio|numbers of state|of state)`, 'i'),
];

function holdsRobotLiteral(line: string): boolean {
  const text = line.replace(ELSEWHERE, ' ').replace(NETWORK, ' ');
  return RULES.some((rule) => rule.test(text)) || shapes(text).some((shape) => IN_SHAPE.test(shape));
}

/** The shapes that a line writes down: in its comment any bracket that looks like one, in its code those called so. */
function shapes(line: string): string[] {
  const start = COMMENT_ONLY.test(line) ? 0 : line.search(/\/\/|\/\*/);
  const [code, comment] = start < 0 ? [line, ''] : [line.slice(0, start), line.slice(start)];
  const inComment = [...comment.matchAll(COMMENT_SHAPE)]
    .map(([, shape = '']) => shape)
    .filter((s) => SHAPE_LIKE.test(s));
  return [...inComment, ...[...code.matchAll(CODE_SHAPE)].map(([, shape = '']) => shape)];
}

import { InputError } from '../../base/index.ts';
import { type ReadLine, readLine } from './ledgerLine.ts';
import type { LinesFile } from './linesFile.ts';
import { unitName } from './unit.ts';

/** A line as it was found: what it says, unless it is damaged. */
interface Found {
  readonly at: number;
  readonly file: LinesFile;
  readonly read: ReadLine | undefined;
}

/** What stands in either file between two lines that both hold, or before the first, or behind the last. */
interface Gap {
  readonly own: readonly [Found[], Found[]];
  /** Whether there is a line before or behind it that both hold. */
  readonly anchored: boolean;
}

/**
 * The lines of a ledger and of its copy, each attempt once, in the order in which they were written. What one of them
 * lacks, or holds damaged, is taken from the other.
 * @throws InputError that names file and line: one that is damaged and that the other file does not hold either, or
 *   one of which the other tells otherwise while no checksum says who is right
 */
export function mergeLines(first: LinesFile, second: LinesFile): ReadLine[] {
  const readings = new Map<string, ReadLine | undefined>();
  const found = (file: LinesFile): Found[] =>
    file.lines.map((text, at) => {
      if (!readings.has(text)) readings.set(text, readLine(text));
      return { at, file, read: readings.get(text) };
    });
  const a = found(first);
  const b = first.text === second.text ? a : found(second);
  const result = new Map<string, ReadLine>();
  const add = (line: ReadLine) => {
    const { task, instance, rollout, attempt, started } = line.line;
    const name = `${unitName({ task, instance, rollout })} ${attempt} ${started}`;
    if (line.checked || !result.has(name)) result.set(name, line);
  };
  for (const part of inParts(a, b))
    if ('text' in part) add(part);
    else {
      requireWhole(part);
      for (const { read } of part.own.flat()) if (read) add(read);
    }
  return [...result.values()];
}

/** Lines that both hold, in order, and the gaps between them. */
function* inParts(a: readonly Found[], b: readonly Found[]): Generator<ReadLine | Gap> {
  const places = new Map(b.map(({ read }, i) => [read, i]));
  let [fromA, fromB, seen] = [0, 0, false];
  for (const [i, { read }] of a.entries()) {
    const j = read && places.get(read);
    if (j === undefined || j < fromB) continue;
    if (i > fromA || j > fromB) yield { own: [a.slice(fromA, i), b.slice(fromB, j)], anchored: true };
    yield read as ReadLine;
    [fromA, fromB, seen] = [i + 1, j + 1, true];
  }
  yield { own: [a.slice(fromA), b.slice(fromB)], anchored: seen };
}

/** @throws InputError when a line of it may be lost or wrong */
function requireWhole({ own, anchored }: Gap): void {
  const isDamaged = ({ read }: Found) => read === undefined;
  for (const [one, other] of [own, [own[1], own[0]] as const]) {
    const damaged = one.filter(isDamaged);
    const nothingElse = damaged.length === one.length;
    // Where the other's lines follow one another, what lies between them here never was a line.
    const neverWritten = other.length === 0 && anchored && nothingElse;
    const inTheOther = !other.some(isDamaged) && other.length >= (nothingElse ? 1 : damaged.length);
    if (damaged[0] && !neverWritten && !inTheOther)
      refuse(damaged[0], 'is no line of a ledger, or was changed', 'no whole copy is beside it');
  }
  const [unchecked, theirs] = own.map((lines) => lines.find(({ read }) => read?.checked === false));
  if (unchecked && theirs) refuse(unchecked, 'is not what its copy says', 'neither has a checksum');
}

function refuse({ file, at }: Found, what: string, why: string): never {
  throw new InputError(
    `${file.path}:${at + 1}`,
    `${what} (got ${JSON.stringify((file.lines[at] ?? '').slice(0, 60))}), and ${why}. ` +
      'Put the file back, or remove that line if you know what it was.',
  );
}

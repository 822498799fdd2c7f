import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { InputError } from '../../base/index.ts';

/** A file of lines as it was found. A line counts when its end is written. */
export interface LinesFile {
  readonly path: string;
  readonly exists: boolean;
  /** Everything in it, a torn last line too. */
  readonly text: string;
  readonly lines: readonly string[];
}

export async function readLines(path: string): Promise<LinesFile> {
  const exists = existsSync(path);
  const text = exists ? await readFile(path, 'utf8') : '';
  return {
    path,
    exists,
    text,
    lines: text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .slice(0, -1),
  };
}

/**
 * The lines of a file and of its copy, each once, in the order in which they were written. What one of them lacks, or
 * holds in another form, is taken from the other.
 * @throws InputError that names file and line, when something is damaged in both
 */
export function mergeLines([first, second]: readonly LinesFile[], isGood: (line: string) => boolean): string[] {
  const files = [first, second].filter((file) => file !== undefined);
  const good = files.map(({ lines }) => lines.filter(isGood));
  const damaged = files.filter(({ lines }, i) => lines.length > (good[i]?.length ?? 0));
  if (damaged.length === files.filter(({ exists }) => exists).length && damaged[0]) {
    const { path, lines } = damaged[0];
    const at = lines.findIndex((line) => !isGood(line));
    throw new InputError(
      `${path}:${at + 1}`,
      `is no line of a ledger (got ${JSON.stringify((lines[at] ?? '').slice(0, 60))}), ` +
        'and no whole copy is beside it. Put the file back, or remove that line if you know what it was.',
    );
  }
  const [a = [], b = []] = good;
  return a.length >= b.length ? union(a, b) : union(b, a);
}

/** The longer list, with each line that it lacks behind the one before it in the other. */
function union(long: readonly string[], short: readonly string[]): string[] {
  const known = new Set(long);
  const result = [...long];
  let at = 0;
  for (const line of short) {
    const place = result.indexOf(line, at);
    if (place >= 0) at = place + 1;
    else if (!known.has(line)) result.splice(at++, 0, line);
  }
  return result;
}

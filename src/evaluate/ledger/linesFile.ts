import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

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

import { readdirSync, readFileSync } from 'node:fs';

/** A file that a check reads: its path from the repository's root, with `/`, and its text. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

/** Something that a check objects to. `text` is the line, or what is wrong with it. */
export interface Finding {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  readonly text: string;
}

/** Folders that hold no source: recorded data, virtual environments, what others wrote. */
const NO_SOURCE = /(^|\/)(node_modules|\.venv|dist|golden|twins\/twin-[^/]*|fixtures)(\/|$)/;

/** The files below folders of the repository that match `name`, sorted by path; a folder that is not there has none. */
export function sources(folders: readonly string[], name: RegExp): Source[] {
  return folders
    .flatMap((folder) => below(folder))
    .filter((path) => name.test(path) && !NO_SOURCE.test(path))
    .sort()
    .map((path) => ({ path, text: readFileSync(path, 'utf8') }));
}

function below(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      if (NO_SOURCE.test(path)) return [];
      return entry.isDirectory() ? below(path) : [path];
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

export const isTest = (path: string): boolean => /\.test\.ts$/.test(path);

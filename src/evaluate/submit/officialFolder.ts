import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { InputError } from '../../base/index.ts';
import { type FoundFiles, findFiles, rolloutKey, videoBeside } from './findFiles.ts';
import { type OfficialName, type OfficialRecord, officialName, parseOfficial } from './officialResult.ts';
import { parseSubmissionName } from './submissionName.ts';

/** What is wrong with a folder, or worth knowing of it. */
export interface Finding {
  readonly code: string;
  /** The file or the task. */
  readonly where: string;
  readonly message: string;
}

/** One file of results, as it was read. */
export interface OfficialFile extends OfficialName {
  /** Its name; where results lie in several folders, its path in the folder that was given. */
  readonly file: string;
  readonly path: string;
  readonly text: string;
  readonly record: OfficialRecord;
  /** The rollout's film, when there is one. */
  readonly video?: string;
}

/** A folder of the official evaluator's results. */
export interface OfficialFolder {
  /** Its name, or that of the one submission within it. */
  readonly name: string;
  readonly files: readonly OfficialFile[];
  /** Files that are no results: unreadable, or of no rollout's name. */
  readonly problems: readonly Finding[];
  /** What else was found, and passed over. */
  readonly notes: readonly Finding[];
}

/**
 * Reads what the official evaluators leave: `json/` (2026, submissions), `metrics/` (2025), the same below a folder for
 * each task or run, or such files alone; and the films beside them. Files that cannot be read become problems.
 * @throws InputError when there is no such folder, no JSON in it, or several submissions
 */
export async function readOfficialFolder(folder: string): Promise<OfficialFolder> {
  if (!(await stat(folder).catch(() => undefined))?.isDirectory())
    throw new InputError(folder, 'is no folder. Give the folder that the evaluator wrote.');
  const found = await findFiles(folder);
  if (found.results.length === 0)
    throw new InputError(
      join(folder, found.place),
      'holds no results (expected <task>_<instance>_<rollout>.json, as the official evaluator writes them).',
    );
  const name = nameOf(folder, found.results);
  const files: OfficialFile[] = [];
  const problems: Finding[] = [];
  for (const at of found.results) {
    const file = found.place === '' ? at : at.slice(found.place.length + 1);
    const named = officialName(basename(file));
    if (!named) {
      problems.push({ code: 'name', where: file, message: 'is not called <task>_<instance>_<rollout>.json' });
      continue;
    }
    const path = join(folder, at);
    try {
      const text = await readFile(path, 'utf8');
      const video = videoBeside(found.videos, path, named);
      files.push({ ...named, file, path, text, record: parseOfficial(file, text), ...(video && { video }) });
    } catch (error) {
      const message = (error as Error).message.replace(`${file}: `, '');
      problems.push({ code: 'unreadable', where: file, message });
    }
  }
  return { name, files, problems, notes: notesOf(found) };
}

/** @throws InputError when the results are those of several submissions: they are several results */
function nameOf(folder: string, results: readonly string[]): string {
  const own = basename(resolve(folder));
  const within = [...new Set(results.flatMap((path) => path.split('/').filter(parseSubmissionName)))];
  if (within.length > 1)
    throw new InputError(folder, `holds several submissions (${within.slice(0, 3).join(', ')} …). Give one of them.`);
  return parseSubmissionName(own) ? own : (within[0] ?? own);
}

function notesOf({ strays, elsewhere, place }: FoundFiles): Finding[] {
  const notes = strays.map((path) => ({
    code: 'stray',
    where: basename(path),
    message: 'is no result; the challenge passes over it',
  }));
  if (elsewhere.length === 0) return notes;
  const where = dirname(elsewhere[0] as string);
  const message = `holds results, too; ${place || 'this folder'} alone is read (${elsewhere.length} files are not)`;
  return [...notes, { code: 'elsewhere', where, message }];
}

/** The first file of every rollout. */
export function firstOfEach(files: readonly OfficialFile[]): OfficialFile[] {
  const seen = new Map<string, OfficialFile>();
  for (const file of files) {
    const name = rolloutKey(file);
    if (!seen.has(name)) seen.set(name, file);
  }
  return [...seen.values()];
}

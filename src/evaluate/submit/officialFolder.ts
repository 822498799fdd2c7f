import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InputError } from '../../base/index.ts';
import type { Year } from './edition.ts';
import { type OfficialName, type OfficialRecord, officialName, parseOfficial, yearOf } from './officialResult.ts';

/** What is wrong with a folder, or worth knowing of it. */
export interface Finding {
  readonly code: string;
  /** The file or the task. */
  readonly where: string;
  readonly message: string;
}

/** One file of results, as it was read. */
export interface OfficialFile extends OfficialName {
  readonly file: string;
  readonly path: string;
  readonly text: string;
  readonly record: OfficialRecord;
  /** The rollout's film, when there is one. */
  readonly video?: string;
}

/** A folder of the official evaluator's results. */
export interface OfficialFolder {
  readonly folder: string;
  readonly files: readonly OfficialFile[];
  /** Files that are no results: unreadable, or of no rollout's name. */
  readonly problems: readonly Finding[];
  /** What its files say; undefined when there are none, or when they differ. */
  readonly year?: Year;
}

/**
 * Reads the folder that the official evaluator writes, `json/<task>_<instance>_<rollout>.json` and videos, or such
 * files without the `json` folder. Files that cannot be read become problems.
 * @throws InputError when there is no such folder, or no JSON in it
 */
export async function readOfficialFolder(folder: string): Promise<OfficialFolder> {
  if (!(await stat(folder).catch(() => undefined))?.isDirectory())
    throw new InputError(folder, 'is no folder. Give the folder that the evaluator wrote.');
  const at = existsSync(join(folder, 'json')) ? join(folder, 'json') : folder;
  const names = (await readdir(at)).sort();
  const results = names.filter((name) => name.endsWith('.json') && !name.startsWith('.'));
  if (results.length === 0)
    throw new InputError(
      at,
      'holds no results (expected <task>_<instance>_<rollout>.json, as the official evaluator writes them).',
    );
  const videos = await videosOf(folder, at);
  const files: OfficialFile[] = [];
  const problems: Finding[] = [];
  for (const name of names)
    if (!results.includes(name) && at.endsWith('json') && !name.startsWith('.'))
      problems.push({ code: 'stray', where: name, message: 'is no JSON; the json folder holds results only' });
  for (const file of results) {
    const named = officialName(file);
    if (!named) {
      problems.push({ code: 'name', where: file, message: 'is not called <task>_<instance>_<rollout>.json' });
      continue;
    }
    const path = join(at, file);
    try {
      const text = await readFile(path, 'utf8');
      const video = videos.get(file.replace(/\.json$/, ''));
      files.push({ ...named, file, path, text, record: parseOfficial(file, text), ...(video && { video }) });
    } catch (error) {
      const message = (error as Error).message.replace(`${file}: `, '');
      problems.push({ code: 'unreadable', where: file, message });
    }
  }
  const years = [...new Set(files.map(({ record }) => yearOf(record)))];
  return { folder, files, problems, ...(years.length === 1 && { year: years[0] as Year }) };
}

/** Films by the name of their rollout: in `videos`, beside the results, or beside their folder. */
async function videosOf(folder: string, at: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const place of [join(folder, 'videos'), join(folder, 'video'), at, folder])
    for (const name of await readdir(place).catch(() => []))
      if (name.endsWith('.mp4')) found.set(name.replace(/\.mp4$/, ''), join(place, name));
  return found;
}

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { zipSync } from 'fflate';
import { InputError, makeFolder, requireOutput, writeFileAside, writeFolderAside } from '../../base/index.ts';
import type { Edition } from './edition.ts';
import type { OfficialFile } from './officialFolder.ts';
import { type SubmissionName, submissionName } from './submissionName.ts';

/** A submission to be written. */
export interface Submission {
  readonly name: SubmissionName;
  readonly edition: Edition;
  readonly files: readonly OfficialFile[];
  /** Text of RUN_NOTES.md. */
  readonly notes: string;
  /** Other files for its root, such as the wrapper and the robot's configuration; by path. */
  readonly beside?: readonly string[];
}

/** The same files make the same bytes: every entry of the zip carries this time. */
const MADE = new Date('2026-01-01T00:00:00');

/**
 * Writes the challenge's folder `<track>.….<date>` beside `zip`, and the zip itself. The folder holds `json/`,
 * RUN_NOTES.md, the other files, and SHA256SUMS over all of them.
 * @returns the folder's path
 * @throws InputError when the folder or the zip is there already, or two of the other files share a name
 */
export async function writeSubmission(zip: string, submission: Submission): Promise<string> {
  const name = submissionName(submission.name, submission.edition);
  const folder = join(dirname(zip), name);
  await requireOutput(zip, { kind: 'file' });
  await requireOutput(folder, { kind: 'folder', fresh: 'Choose another place for --out, or remove it first.' });
  const contents = await contentsOf(submission);
  await writeFolderAside(folder, async (at) => {
    await makeFolder(join(at, 'json'));
    for (const [path, bytes] of contents) await writeFileAside(join(at, path), bytes);
  });
  const entries = Object.fromEntries([...contents].map(([path, bytes]) => [`${name}/${path}`, bytes]));
  await writeFileAside(zip, zipSync(entries, { mtime: MADE }));
  return folder;
}

/** Every file of the folder, by its path there. */
async function contentsOf({ files, notes, beside = [] }: Submission): Promise<ReadonlyMap<string, Uint8Array>> {
  const contents = new Map<string, Uint8Array>();
  const add = (path: string, bytes: Uint8Array) => {
    if (contents.has(path))
      throw new InputError(path, 'would stand in the submission twice. Give each file its own name.');
    contents.set(path, bytes);
  };
  for (const { task, instance, rollout, path } of files)
    add(`json/${task}_${instance}_${rollout}.json`, await readFile(path));
  for (const path of beside) add(basename(path), await readFile(path));
  add('RUN_NOTES.md', Buffer.from(notes));
  const sums = [...contents].map(([path, bytes]) => `${createHash('sha256').update(bytes).digest('hex')}  ${path}\n`);
  add('SHA256SUMS', Buffer.from(sums.sort().join('')));
  return contents;
}

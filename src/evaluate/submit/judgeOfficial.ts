import { basename, resolve } from 'node:path';
import { InputError } from '../../base/index.ts';
import { EDITIONS, type Edition, type TestSet, type Year } from './edition.ts';
import { checkOfficial, type Findings } from './officialChecks.ts';
import { type OfficialFolder, readOfficialFolder } from './officialFolder.ts';
import { parseSubmissionName, type SubmissionName } from './submissionName.ts';

/** A folder of results, whose rules count for it, and what these find. */
export interface JudgedFolder {
  readonly official: OfficialFolder;
  /** What the folder's own name tells, when it is a submission's. */
  readonly named: (SubmissionName & { readonly year: Year }) | undefined;
  readonly edition: Edition;
  readonly testset: TestSet | undefined;
  readonly findings: Findings;
}

/**
 * Reads and checks a folder of results. What is asked for comes before what the folder's name tells, and that before
 * what its files tell.
 * @throws InputError when there is no such folder, or its year cannot be told
 */
export async function judgeOfficial(
  folder: string,
  asked: { readonly year?: Year | undefined; readonly testset?: TestSet | undefined },
): Promise<JudgedFolder> {
  const official = await readOfficialFolder(folder);
  const named = parseSubmissionName(basename(resolve(folder)));
  const year = asked.year ?? named?.year ?? official.year;
  if (!year)
    throw new InputError(folder, 'holds results of both years, or none that tell. Say which by --year 2025 or 2026.');
  const edition = EDITIONS[year];
  const testset = asked.testset ?? named?.testset;
  return { official, named, edition, testset, findings: checkOfficial(official, edition, testset) };
}

import { InputError } from '../../base/index.ts';
import { EDITIONS, type Edition, type TestSet, type Year } from './edition.ts';
import { type Leaderboard, leaderboard } from './leaderboard.ts';
import { checkOfficial, type Findings } from './officialChecks.ts';
import { type Finding, firstOfEach, type OfficialFolder, readOfficialFolder } from './officialFolder.ts';
import { yearOf } from './officialResult.ts';
import { parseSubmissionName, type SubmissionName } from './submissionName.ts';

/** A folder of results, whose rules count for it, and what these find. */
export interface JudgedFolder {
  readonly official: OfficialFolder;
  /** What the folder's own name tells, when it is a submission's. */
  readonly named: (SubmissionName & { readonly year: Year }) | undefined;
  readonly edition: Edition;
  readonly testset: TestSet | undefined;
  readonly findings: Findings;
  /** What the challenge would make of it; of two files of a rollout the first counts. */
  readonly scores: Leaderboard;
  /** Its name is that of another year's submissions: no matter for what is made of it, but for the folder as it is. */
  readonly misnamed: Finding | undefined;
}

/**
 * Reads and checks a folder of results. Its year is what is asked for; else 2026 where all instances are of that year;
 * else what the folder's name tells; else what the files' fields tell.
 * @throws InputError when there is no such folder, or its year cannot be told
 */
export async function judgeOfficial(
  folder: string,
  asked: { readonly year?: Year | undefined; readonly testset?: TestSet | undefined },
): Promise<JudgedFolder> {
  const official = await readOfficialFolder(folder);
  const named = parseSubmissionName(official.name);
  const year = asked.year ?? toldYear(official.files, named?.year);
  if (!year)
    throw new InputError(folder, 'holds results of both years, or none that tell. Say which by --year 2025 or 2026.');
  const edition = EDITIONS[year];
  const testset = asked.testset ?? named?.testset;
  const misnamed = named && named.year !== year ? nameFinding(official.name, edition) : undefined;
  const findings = checkOfficial(official, edition, testset);
  const scores = leaderboard(firstOfEach(official.files), edition);
  return { official, named, edition, testset, findings, scores, misnamed };
}

function toldYear(files: OfficialFolder['files'], named: Year | undefined): Year | undefined {
  const told = new Set(files.map(yearOf));
  const one = told.size === 1 ? [...told][0] : undefined;
  if (one === '2026') return one;
  return named ?? (one === '2025' ? one : told.size > 0 && !told.has('2025') ? '2026' : undefined);
}

const nameFinding = (where: string, { year, nameFields }: Edition): Finding => ({
  code: 'name',
  where,
  message: `holds results of ${year}, whose folders are called ${nameFields.map((field) => `<${field}>`).join('.')}`,
});

import { InputError } from '../../base/index.ts';
import { EDITIONS, type Edition, type TestSet, type Year } from './edition.ts';

/** Who submits what: the fields of a submission folder's name. */
export interface SubmissionName {
  readonly track: string;
  /** Not in 2025, when the name does not say it. */
  readonly testset?: TestSet | undefined;
  readonly team: string;
  readonly affiliation: string;
  /** As the organisers write it; a day such as 2026-10-08. */
  readonly date: string;
}

const TRACKS = ['standard', 'privileged'];

/**
 * `<track>.<team>.<affiliation>.<date>` (2025), with `<testset>` after the track (2026). Spaces become underscores, as
 * the scoring script turns them back.
 * @throws InputError for an empty field, one with a dot or a slash, or a track that the challenge does not have
 */
export function submissionName(name: SubmissionName, { nameFields, year }: Edition): string {
  if (!TRACKS.includes(name.track))
    throw new InputError('--track', `is ${JSON.stringify(name.track)} (expected ${TRACKS.join(' or ')}).`);
  return nameFields
    .map((field) => {
      const value = name[field as keyof SubmissionName];
      if (value === undefined || value.trim() === '')
        throw new InputError(`--${field}`, `is empty; the folder's name of ${year} has it. Give one.`);
      const bad = /[./\\]|\p{Cc}/u.exec(value);
      if (bad)
        throw new InputError(
          `--${field}`,
          `holds ${JSON.stringify(bad[0])} (got ${JSON.stringify(value)}); dots separate the fields of the name.`,
        );
      return value.trim().replaceAll(/\s+/g, '_');
    })
    .join('.');
}

/** The fields of a folder's name and its year; undefined when it is no submission's name. */
export function parseSubmissionName(folder: string): (SubmissionName & { readonly year: Year }) | undefined {
  const parts = folder.split('.');
  const edition = Object.values(EDITIONS).find(({ nameFields }) => nameFields.length === parts.length);
  if (!edition || parts.some((part) => part === '') || !TRACKS.includes(parts[0] as string)) return undefined;
  const fields = Object.fromEntries(edition.nameFields.map((field, i) => [field, parts[i] as string]));
  if (fields['testset'] !== undefined && !['public', 'hidden'].includes(fields['testset'])) return undefined;
  return { ...(fields as unknown as SubmissionName), year: edition.year };
}

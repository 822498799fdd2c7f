import { InputError } from '../errors.ts';

/** @throws InputError when another version of something would do the jobs than the one that asks */
export function requireVersions(asked: Readonly<Record<string, string>>, here: Readonly<Record<string, string>>): void {
  const other = Object.keys({ ...asked, ...here }).filter((name) => asked[name] !== here[name]);
  if (other.length > 0)
    throw new InputError(
      'valet worker',
      `it has ${other.map((name) => `${name} ${here[name]}`).join(', ')} (expected ` +
        `${other.map((name) => asked[name]).join(', ')}). Install the version that gives out the jobs.`,
    );
}

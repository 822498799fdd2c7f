import { existsSync } from 'node:fs';
import { z } from 'zod';
import { InputError, present, readJson } from '../../base/index.ts';
import { type Dataset, type Episode, sidePath, withFiles } from '../lerobot/index.ts';
import { oldLines } from './episodeTables.ts';

const AnyJson = z.record(z.string(), z.unknown());
type Told = Readonly<Record<string, unknown>>;

/** A test of what is told of an episode. */
export interface FlagTest {
  /** As it was written. */
  readonly text: string;
  /** A key, or several with dots for a value within. */
  readonly name: string;
  /** @param value undefined where nothing is told by this name */
  holds(value: unknown): boolean;
}

/**
 * Reads a test: `NAME` (true, a number but 0, a text but "" and "false"), `!NAME`, `NAME=VALUE`, `NAME!=VALUE`, or
 * `NAME` with <, <=, > or >= and a number. An episode of which nothing is told by this name passes `!NAME` and `!=`.
 * @throws InputError for what is none
 */
export function parseFlag(text: string): FlagTest {
  const [, not, name, sign, value] = /^(!?)\s*([^\s!<>=][^!<>=]*?)\s*(?:(!=|<=|>=|=|<|>)\s*(.*))?$/s.exec(text) ?? [];
  const number = Number(value);
  const isOrder = sign === '<' || sign === '<=' || sign === '>' || sign === '>=';
  if (name === undefined || (not && sign) || (isOrder && (value === '' || Number.isNaN(number))))
    throw new InputError(
      '--flag',
      `${JSON.stringify(text)} is no test (expected NAME, !NAME, NAME=VALUE, NAME!=VALUE or NAME>=NUMBER).`,
    );
  const same = (told: unknown) => told !== undefined && String(told) === value;
  const tests: Readonly<Record<string, (told: unknown) => boolean>> = {
    '': (told) => isTrue(told) !== (not === '!'),
    '=': same,
    '!=': (told) => !same(told),
    '<': (told) => isNumber(told) && told < number,
    '<=': (told) => isNumber(told) && told <= number,
    '>': (told) => isNumber(told) && told > number,
    '>=': (told) => isNumber(told) && told >= number,
  };
  return { text, name, holds: present(tests[sign ?? ''], 'the sign') };
}

const isNumber = (told: unknown): told is number => typeof told === 'number';
const isTrue = (told: unknown): boolean =>
  typeof told === 'string' ? told !== '' && told !== 'false' : told === true || (isNumber(told) && told !== 0);

/**
 * What passes all tests, of what the set's index and the files beside its episodes say.
 * @throws InputError when nothing is told of any episode by a test's name
 */
export async function flaggedEpisodes(
  set: Dataset,
  episodes: readonly Episode[],
  tests: readonly FlagTest[],
): Promise<Episode[]> {
  const { episodes: lines } = await oldLines(set);
  const names = new Set<string>();
  const seen = new Set<string>();
  const kept: Episode[] = [];
  for (const episode of episodes) {
    const told = { ...(await metainfo(set, episode)), ...lines.get(episode.index) };
    for (const name of Object.keys(told)) names.add(name);
    const values = tests.map(({ name }) => valueAt(told, name));
    for (const [i, value] of values.entries()) if (value !== undefined) seen.add(tests[i]?.text ?? '');
    if (tests.every((test, i) => test.holds(values[i]))) kept.push(episode);
  }
  const unknown = tests.find(({ text }) => !seen.has(text));
  if (unknown && episodes.length > 0)
    throw new InputError(
      `--flag ${unknown.text}`,
      `nothing is told of any episode by the name ${unknown.name} (there are: ${[...names].sort().join(', ')}).`,
    );
  return kept;
}

/** The JSON that stands beside an episode, if any (BEHAVIOR's meta/episodes). */
async function metainfo(set: Dataset, episode: Episode): Promise<Told> {
  const path = sidePath(set.root, set.info, 'metainfo_path', episode.index);
  if (path === undefined) return {};
  return withFiles(set, [episode], [], async () => (existsSync(path) ? readJson(path, AnyJson) : {}));
}

/** A value by its whole name, or step by step. */
function valueAt(told: Told, name: string): unknown {
  if (name in told) return told[name];
  return name.split('.').reduce<unknown>((value, key) => {
    const parsed = AnyJson.safeParse(value);
    return parsed.success ? parsed.data[key] : undefined;
  }, told);
}

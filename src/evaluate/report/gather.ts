import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { HOUSEHOLD_ROBOT, perturbationName } from '../../home/index.ts';
import { type LedgerLine, unitName } from '../ledger/index.ts';
import { scriptBeside } from './beside.ts';
import { chooseEpisodes, type PageEpisode } from './episodes.ts';
import { embeddedJson } from './html.ts';
import { addFacts, type MethodFacts } from './method.ts';
import { type PageRollout, readRollout, rolloutAddress } from './rollouts.ts';

/** Recordings that the page itself carries; with three.js the file stays well below 15 MB. */
export const PAGE_BUDGET = 10_000_000;
/** Recordings read at the same time. */
const AT_ONCE = 8;
/** A film that came with official results. */
const FILM = 'video.mp4';

/** A rule that fired. */
export interface Firing {
  readonly unit: string;
  readonly step: number;
  readonly seconds: number;
  readonly name: string;
  readonly reason: string;
}

/** Every counted episode, failures first, with its recording. */
export interface Gathered {
  readonly episodes: readonly PageEpisode[];
  /** Recordings within the page: JSON by unit. */
  readonly inside: ReadonlyMap<string, string>;
  readonly firings: readonly Firing[];
  /** What the recordings tell of the method, by task. */
  readonly method: ReadonlyMap<string, MethodFacts>;
  /** Films within the page: base64 by unit. */
  readonly films?: ReadonlyMap<string, string>;
  /** Recordings that could not be read: unit and why. */
  readonly damaged: readonly { readonly unit: string; readonly reason: string }[];
}

/**
 * Reads the recordings of counted episodes, failures first. The first ones go into the page, up to `budget` bytes of
 * it; each other one becomes a script in its own folder, which the page loads when its episode is chosen. A script,
 * because a page opened from a disk may load scripts and pictures but may not read files.
 */
export async function gatherRollouts(
  folder: string,
  lines: readonly LedgerLine[],
  budget = PAGE_BUDGET,
): Promise<Gathered> {
  const byUnit = new Map(lines.map((line) => [unitName(line), line]));
  const order = chooseEpisodes(lines.map((line) => listed(line)));
  const episodes: PageEpisode[] = [];
  const inside = new Map<string, string>();
  const firings: Firing[] = [];
  const facts = new Map<string, MethodFacts[]>();
  const damaged: { unit: string; reason: string }[] = [];
  let room = budget;
  const gather = async (episode: PageEpisode, within: boolean): Promise<PageEpisode> => {
    const { unit } = episode;
    const line = byUnit.get(unit);
    if (!line || !existsSync(join(folder, 'rollouts', unit, 'scene.json')))
      return existsSync(join(folder, 'rollouts', unit, FILM))
        ? { ...episode, video: `${rolloutAddress(unit)}/${FILM}` }
        : episode;
    try {
      const fired = ({ rate, rules, method }: Pick<PageRollout, 'rate' | 'rules' | 'method'>) => {
        facts.set(line.task, [...(facts.get(line.task) ?? []), method]);
        for (const [step, name, reason] of rules) firings.push({ unit, step, seconds: step / rate, name, reason });
        return { ...episode, seconds: line.steps / rate, rules: rules.length };
      };
      if (!within) {
        const { poster, script, ...rest } = await scriptBeside(folder, line);
        return { ...fired(rest), poster, recording: 'beside', script };
      }
      const { rollout, poster } = await readRollout(folder, line);
      const text = embeddedJson(rollout);
      inside.set(unit, text);
      room -= text.length + poster.length;
      return { ...fired(rollout), poster, recording: 'page' };
    } catch (error) {
      damaged.push({ unit, reason: (error as Error).message });
      return episode;
    }
  };
  let next = 0;
  for (; next < order.length && room > 0; next += AT_ONCE)
    episodes.push(...(await Promise.all(order.slice(next, next + AT_ONCE).map((one) => gather(one, true)))));
  const work = async () => {
    for (let i = next++; i < order.length; i = next++) episodes[i] = await gather(order[i] as PageEpisode, false);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const place = new Map(episodes.map(({ unit }, i) => [unit, i]));
  firings.sort((a, b) => (place.get(a.unit) ?? 0) - (place.get(b.unit) ?? 0) || a.step - b.step);
  const tasks = [...new Set(lines.map(({ task }) => task))].filter((task) => facts.has(task));
  const method = new Map(tasks.map((task) => [task, addFacts(facts.get(task) ?? [])] as const));
  return { episodes, inside, firings, method, damaged };
}

/** What went wrong, and when: `latency:2 from step 0, push:1 at step 41`. */
const faultOf = ({ perturbations = [] }: LedgerLine): string =>
  perturbations
    .map((one) => `${perturbationName(one)} ${one.struck === null ? 'did not strike' : `struck at step ${one.struck}`}`)
    .join(', ');

/** An episode without a recording. */
function listed(line: LedgerLine): PageEpisode {
  const { task, instance, rollout, q, success, steps } = line;
  const seconds = steps / HOUSEHOLD_ROBOT.rate;
  const fault = faultOf(line);
  return {
    ...{ unit: unitName(line), task, instance, rollout, q, success, steps, seconds, rules: 0, recording: 'none' },
    ...(fault && { fault }),
  };
}

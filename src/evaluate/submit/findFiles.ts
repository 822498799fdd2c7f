import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type OfficialName, officialName } from './officialResult.ts';

/** Where evaluators put their results, and submissions theirs; `metrics` is that of 2025. */
const PLACES = ['json', 'metrics'];
/** Folders within folders that are looked into: policy, task, run, attempt and the evaluator's own. */
const DEEPEST = 6;

/** Results and films below a folder, by their paths in it, `/` between folders. */
export interface FoundFiles {
  /** The one folder that all results lie in; '' where they lie in the folder itself, or in several. */
  readonly place: string;
  readonly results: readonly string[];
  /** Results that lie elsewhere and are not read. */
  readonly elsewhere: readonly string[];
  /** Files between the results that are none. */
  readonly strays: readonly string[];
  /** Whole paths of films by the name of their rollout; a rollout may have several, of several runs. */
  readonly videos: ReadonlyMap<string, readonly string[]>;
}

/** Names beginning with a dot are passed over, as are links to folders. */
export async function findFiles(folder: string): Promise<FoundFiles> {
  const all = await filesBelow(folder, '', DEEPEST);
  const json = all.filter((path) => path.endsWith('.json'));
  const rollouts = json.filter((path) => officialName(basename(path)));
  const within = (place: string) => (path: string) => dirname(path) === (place === '' ? '.' : place);
  const place = PLACES.find((name) => (name === 'json' ? json : rollouts).some(within(name))) ?? '';
  const isOne = place !== '' || rollouts.length === 0 || rollouts.some(within(''));
  const own = (paths: readonly string[]) => (isOne ? paths.filter(within(place)) : paths);
  // A submission's folder holds results alone. Elsewhere evaluators leave other JSON beside them.
  const results = own(place === 'json' || rollouts.length === 0 ? json : rollouts);
  return {
    place,
    results,
    elsewhere: rollouts.filter((path) => !results.includes(path)),
    strays: place === 'json' ? own(all).filter((path) => !path.endsWith('.json')) : [],
    videos: videosByName([...all.map((path) => join(folder, path)), ...(await besideFolder(folder))]),
  };
}

async function filesBelow(folder: string, at: string, depth: number): Promise<string[]> {
  const entries = (await readdir(join(folder, at), { withFileTypes: true })).sort((a, b) => (a.name < b.name ? -1 : 1));
  const found: string[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const path = at === '' ? entry.name : `${at}/${entry.name}`;
    if (!entry.isDirectory()) found.push(path);
    else if (depth > 0) found.push(...(await filesBelow(folder, path, depth - 1)));
  }
  return found;
}

/** Files in `videos` beside a folder of results, for whoever gives that folder itself. */
async function besideFolder(folder: string): Promise<string[]> {
  if (!PLACES.includes(basename(folder))) return [];
  const at = join(dirname(folder), 'videos');
  return (await readdir(at).catch(() => [])).map((name) => join(at, name));
}

export const rolloutKey = ({ task, instance, rollout }: OfficialName): string => `${task}_${instance}_${rollout}`;

function videosByName(paths: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const videos = new Map<string, string[]>();
  for (const path of paths) {
    const named = path.endsWith('.mp4') ? officialName(basename(path).replace(/mp4$/, 'json')) : undefined;
    if (named) videos.set(rolloutKey(named), [...(videos.get(rolloutKey(named)) ?? []), path]);
  }
  return videos;
}

/** A rollout's film: of several the one that lies nearest to its result. */
export function videoBeside(videos: FoundFiles['videos'], result: string, name: OfficialName): string | undefined {
  const shared = (path: string) => {
    const [mine = [], its = []] = [result, path].map((one) => one.split(/[\\/]/));
    const apart = mine.findIndex((part, i) => part !== its[i]);
    return apart < 0 ? mine.length : apart;
  };
  return [...(videos.get(rolloutKey(name)) ?? [])].sort((a, b) => shared(b) - shared(a))[0];
}

/** One counted episode as the page lists it; what its player needs is a `PageRollout`. */
export interface PageEpisode {
  readonly unit: string;
  readonly task: string;
  readonly instance: number;
  readonly rollout: number;
  readonly q: number;
  readonly success: boolean;
  readonly steps: number;
  readonly seconds: number;
  /** Rules of System 2 that fired. */
  readonly rules: number;
  /** What went wrong in it by intention, in words. */
  readonly fault?: string;
  /** Where its recording lies: in the page, in a script beside it, or nowhere. */
  readonly recording: 'page' | 'beside' | 'none';
  /** Address of the picture of the end; none without a recording. */
  readonly poster?: string;
  /** Address of a film, for an episode without a recording. */
  readonly video?: string;
  /** Its film: in the page, or at this address. */
  readonly film?: string;
  readonly filmBytes?: number;
  /** The same scene, as another policy played it. */
  readonly other?: OtherEpisode;
  /** Address of the script with the recording, relative to the page, when it lies beside it. */
  readonly script?: string;
}

/** Another evaluation's episode of the same task, instance and rollout. */
export interface OtherEpisode {
  /** Its name among the page's recordings. */
  readonly key: string;
  /** Whose it is. */
  readonly name: string;
  readonly q: number;
  readonly success: boolean;
  readonly recording: 'page' | 'beside';
  readonly script?: string;
}

/** What of an evaluation the reader wants to see, and in which order. */
export interface Choice {
  readonly task?: string;
  readonly result?: 'all' | 'open' | 'partly' | 'nothing' | 'done' | 'rules';
  /** Bounds of q, both included. */
  readonly low?: number;
  readonly high?: number;
  /** Numbers and ranges such as `3, 7-9`. */
  readonly instances?: string;
  readonly order?: 'worst' | 'best' | 'instance' | 'longest' | 'shortest';
}

/**
 * The episodes that a choice names, in its order; without one all of them, failures first (lowest q, then task, then
 * instance). The page carries this function's text, so it calls nothing outside itself.
 */
export function chooseEpisodes<T extends PageEpisode>(episodes: readonly T[], choice: Choice = {}): T[] {
  const { task = '', result = 'all', low = 0, high = 1, instances = '', order = 'worst' } = choice;
  const ranges = instances
    .split(',')
    .map((part) => /^\s*(\d+)\s*(?:-\s*(\d+)\s*)?$/.exec(part))
    .filter((match) => match !== null)
    .map((match) => [Number(match[1]), Number(match[2] ?? match[1])] as const);
  const wanted = {
    all: () => true,
    open: ({ success }: PageEpisode) => !success,
    partly: ({ q, success }: PageEpisode) => q > 0 && !success,
    nothing: ({ q, success }: PageEpisode) => q === 0 && !success,
    done: ({ success }: PageEpisode) => success,
    rules: ({ rules }: PageEpisode) => rules > 0,
  }[result];
  const first = {
    worst: (a: PageEpisode, b: PageEpisode) => Number(a.success) - Number(b.success) || a.q - b.q,
    best: (a: PageEpisode, b: PageEpisode) => Number(b.success) - Number(a.success) || b.q - a.q,
    instance: () => 0,
    longest: (a: PageEpisode, b: PageEpisode) => b.seconds - a.seconds,
    shortest: (a: PageEpisode, b: PageEpisode) => a.seconds - b.seconds,
  }[order];
  const names = [...new Set(episodes.map((episode) => episode.task))];
  const byName = (a: PageEpisode, b: PageEpisode) =>
    order === 'instance' ? 0 : names.indexOf(a.task) - names.indexOf(b.task);
  return episodes
    .filter(
      (episode) =>
        (task === '' || episode.task === task) &&
        episode.q >= low - 1e-9 &&
        episode.q <= high + 1e-9 &&
        (instances.trim() === '' || ranges.some(([from, to]) => episode.instance >= from && episode.instance <= to)) &&
        wanted(episode),
    )
    .sort(
      (a, b) =>
        first(a, b) ||
        byName(a, b) ||
        a.instance - b.instance ||
        names.indexOf(a.task) - names.indexOf(b.task) ||
        a.rollout - b.rollout,
    );
}

/** How old the pictures are that stand beside a pose: the step of the last ones taken before it. */
export function picturesAt(pictures: readonly { readonly step: number }[], step: number): number {
  let shown = 0;
  for (let i = 0; i < pictures.length; i++) if ((pictures[i]?.step ?? 0) <= step + 0.5) shown = i;
  return shown;
}

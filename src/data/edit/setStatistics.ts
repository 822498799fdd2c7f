import type { FeatureStats } from '../lerobot/index.ts';

type Numbers = number | readonly Numbers[];
/** As an index holds them; of pictures they are [channels, 1, 1]. */
type Stats = Readonly<Record<string, Numbers>>;

/** Applies `f` to every number of two equally nested lists. */
const zip = (a: Numbers, b: Numbers, f: (x: number, y: number) => number): Numbers =>
  typeof a === 'number' ? f(a, b as number) : a.map((one, i) => zip(one, (b as readonly Numbers[])[i] as Numbers, f));
const map = (a: Numbers, f: (x: number) => number): Numbers =>
  typeof a === 'number' ? f(a) : a.map((one) => map(one, f));

const countOf = ({ count }: Stats): number => Number(Array.isArray(count) ? count[0] : count);

/**
 * Statistics of a set from those of its episodes, as LeRobot pools them: extremes, and mean and standard deviation of
 * all frames (the variance is that within episodes and that of their means). Quantiles are the mean of the episodes',
 * weighted by frames. Features that an episode lacks are left out.
 */
export function pooled(episodes: readonly Readonly<Record<string, unknown>>[]): Record<string, Stats> {
  const [first = {}] = episodes;
  const out: Record<string, Stats> = {};
  for (const feature of Object.keys(first)) {
    const all = episodes.flatMap((one) => (one[feature] ? [one[feature] as Stats] : []));
    if (all.length === episodes.length) out[feature] = pooledFeature(all);
  }
  return out;
}

function pooledFeature(all: readonly Stats[]): Stats {
  const total = all.reduce((sum, one) => sum + countOf(one), 0);
  const weighted = (value: (stats: Stats) => Numbers): Numbers =>
    all.map((one) => map(value(one), (x) => (x * countOf(one)) / total)).reduce((a, b) => zip(a, b, (x, y) => x + y));
  const extreme = (key: 'min' | 'max') => all.map((one) => one[key] as Numbers).reduce((a, b) => zip(a, b, Math[key]));
  const mean = weighted((one) => one['mean'] as Numbers);
  const variance = weighted((one) =>
    zip(
      one['std'] as Numbers,
      zip(one['mean'] as Numbers, mean, (x, m) => (x - m) ** 2),
      (s, d) => s * s + d,
    ),
  );
  const [first = {}] = all;
  const quantiles = Object.keys(first).filter((key) => /^q\d+$/.test(key) && all.every((one) => key in one));
  return {
    min: extreme('min'),
    max: extreme('max'),
    mean,
    std: map(variance, Math.sqrt),
    count: [total],
    ...Object.fromEntries(quantiles.map((key) => [key, weighted((one) => one[key] as Numbers)])),
  } satisfies Stats & Partial<Record<keyof FeatureStats, Numbers>>;
}

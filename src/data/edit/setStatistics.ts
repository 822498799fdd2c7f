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

/** What is known of a feature: of how many episodes and frames it is, and which quantiles all of them have. */
interface Spread {
  episodes: number;
  frames: number;
  quantiles: string[];
}

/**
 * Statistics of a set from those of its episodes, as LeRobot pools them: extremes, and mean and standard deviation of
 * all frames (the variance is that within episodes and that of their means). Quantiles are the mean of the episodes',
 * weighted by frames. Features that an episode lacks are left out.
 * @param each the episodes' one after the other; gone through three times, so that the memory holds one of them
 */
export async function pooled(
  each: () => AsyncIterable<Readonly<Record<string, unknown>>>,
): Promise<Record<string, Stats>> {
  const spreads = await spreadsOf(each);
  const sums: Record<string, Record<string, Numbers>> = {};
  const add = (feature: string, key: string, value: Numbers, f: (x: number, y: number) => number) => {
    const its = (sums[feature] ??= {});
    its[key] = its[key] === undefined ? value : zip(its[key], value, f);
  };
  const plus = (x: number, y: number) => x + y;
  const weighted = (feature: string, key: string, value: Numbers, stats: Stats) => {
    const share = (x: number) => (x * countOf(stats)) / (spreads.get(feature)?.frames ?? 0);
    add(feature, key, map(value, share), plus);
  };
  for await (const one of each())
    for (const [feature, { quantiles }] of spreads) {
      const stats = one[feature] as Stats;
      add(feature, 'min', stats['min'] as Numbers, Math.min);
      add(feature, 'max', stats['max'] as Numbers, Math.max);
      for (const key of ['mean', ...quantiles]) weighted(feature, key, stats[key] as Numbers, stats);
    }
  for await (const one of each())
    for (const feature of spreads.keys()) {
      const stats = one[feature] as Stats;
      const off = zip(stats['mean'] as Numbers, sums[feature]?.['mean'] as Numbers, (x, m) => (x - m) ** 2);
      weighted(
        feature,
        'variance',
        zip(stats['std'] as Numbers, off, (s, d) => s * s + d),
        stats,
      );
    }
  const out: Record<string, Stats> = {};
  for (const [feature, { frames, quantiles }] of spreads) {
    const { min = 0, max = 0, mean = 0, variance = 0, ...others } = sums[feature] ?? {};
    out[feature] = {
      ...{ min, max, mean, std: map(variance, Math.sqrt), count: [frames] },
      ...Object.fromEntries(quantiles.map((key) => [key, others[key] as Numbers])),
    } satisfies Stats & Partial<Record<keyof FeatureStats, Numbers>>;
  }
  return out;
}

/** Of the features that all episodes have, in the order of the first. */
async function spreadsOf(
  each: () => AsyncIterable<Readonly<Record<string, unknown>>>,
): Promise<ReadonlyMap<string, Spread>> {
  const spreads = new Map<string, Spread>();
  let episodes = 0;
  for await (const one of each()) {
    for (const [feature, value] of Object.entries(one)) {
      if (!value) continue;
      const stats = value as Stats;
      const its = spreads.get(feature);
      if (its) {
        its.episodes++;
        its.frames += countOf(stats);
        its.quantiles = its.quantiles.filter((key) => key in stats);
      } else if (episodes === 0) {
        const quantiles = Object.keys(stats).filter((key) => /^q\d+$/.test(key));
        spreads.set(feature, { episodes: 1, frames: countOf(stats), quantiles });
      }
    }
    episodes++;
  }
  return new Map([...spreads].filter(([, its]) => its.episodes === episodes));
}

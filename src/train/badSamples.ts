import type { ChunkStatistics } from '../action/index.ts';
import { InputError } from '../base/index.ts';
import type { RawBatch, SampleSource } from '../data/index.ts';
import { farSamples } from './farValues.ts';

/** A sample that is left out, and why. */
export interface SkippedSample {
  /** The data set's folder. */
  readonly data: string;
  readonly episode: number;
  /** At which the sample begins. */
  readonly frame: number;
  readonly reason: string;
}

/**
 * Looks at every sample. Those with numbers that are not finite or far too large are refused, or left out when `skip`
 * is set, as are those whose pictures cannot be read.
 * @throws InputError that names data set, episode, frame and dimension of the first one
 */
export function goodSamples(
  store: SampleSource,
  skip: boolean,
  log: (line: string) => void,
): { store: SampleSource; skipped: SkippedSample[] } {
  const bad = store.badSamples();
  const [first] = bad;
  if (!first) return { store, skipped: [] };
  const words = store.badWords(first);
  if (!skip)
    throw new InputError(
      'training data',
      `${words}; ${bad.length} of ${store.size} samples hold such numbers. Mend the data (valet data check names ` +
        'all of them), or leave these samples out by --skip-bad.',
    );
  log(`left out: ${bad.length} of ${store.size} samples, the first because of ${words}`);
  const skipped = bad.map((one) => ({ ...placeOf(store, one.sample), reason: store.badWords(one) }));
  return { store: store.without(bad), skipped };
}

/** Where a sample is from. */
function placeOf(store: SampleSource, sample: number): Omit<SkippedSample, 'reason'> {
  const { folder, episode, frame } = store.sourceOf(sample);
  return { data: store.folders[folder]?.dir ?? '', episode, frame };
}

const placeName = ({ data, episode, frame }: Omit<SkippedSample, 'reason'>): string =>
  `${data} episode ${episode} frame ${frame}`;

/** A sample by name: data set, episode and frame. */
export const sampleName = (store: SampleSource, sample: number): string => placeName(placeOf(store, sample));

/** Every sample of a batch by name. */
export const sampleNames = (store: SampleSource, { size, source }: RawBatch): string[] =>
  Array.from({ length: size }, (_, b) =>
    placeName({
      data: store.folders[source.folder[b] ?? 0]?.dir ?? '',
      episode: source.episode[b] ?? 0,
      frame: source.frame[b] ?? 0,
    }),
  );

/** The same store without samples that lie too far outside the statistics, and their names. */
export async function withoutFar(
  store: SampleSource,
  statistics: ChunkStatistics,
  log: (line: string) => void,
): Promise<{ store: SampleSource; skipped: SkippedSample[] }> {
  const far = await farSamples(store, statistics, store.robot);
  const [first] = far;
  if (!first) return { store, skipped: [] };
  const skipped = far.map(({ sample, reason }) => ({ ...placeOf(store, sample), reason }));
  log(
    `left out: ${far.length} of ${store.size} samples far outside the statistics, the first ` +
      `${sampleName(store, first.sample)}: ${first.reason}`,
  );
  return {
    store: store.without(far),
    skipped,
  };
}

import { InputError } from '../base/index.ts';
import type { RawBatch, SampleStore } from '../data/index.ts';

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
 * Looks at every number of every sample. Those with numbers that are not finite or far too large are refused, or left
 * out when `skip` is set.
 * @throws InputError that names data set, episode, frame and dimension of the first one
 */
export function goodSamples(
  store: SampleStore,
  skip: boolean,
  log: (line: string) => void,
): { store: SampleStore; skipped: SkippedSample[] } {
  const bad = store.badNumbers();
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
  const skipped = bad.map((one) => {
    const { data, episode, frame } = placeOf(store, store.gather([one.sample]), 0);
    return { data, episode, frame, reason: store.badWords(one) };
  });
  return { store: store.without(bad), skipped };
}

/** Where a sample of a batch is from. */
function placeOf(store: SampleStore, { source }: RawBatch, b: number): Omit<SkippedSample, 'reason'> {
  const { dir = '' } = store.folders[source.folder[b] ?? 0] ?? {};
  return { data: dir, episode: source.episode[b] ?? 0, frame: source.frame[b] ?? 0 };
}

/** Every sample of a batch by name. */
export const sampleNames = (store: SampleStore, raw: RawBatch): string[] =>
  Array.from({ length: raw.size }, (_, b) => {
    const { data, episode, frame } = placeOf(store, raw, b);
    return `${data} episode ${episode} frame ${frame}`;
  });

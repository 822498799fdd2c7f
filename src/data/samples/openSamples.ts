import type { FolderLimit } from '../remote/index.ts';
import {
  bytesInMemory,
  gibibytes,
  type PreparedSamples,
  prepareSamples,
  type SampleOptions,
} from './prepareSamples.ts';
import type { SampleSource } from './sampleSource.ts';
import { memoryLimit, requireRoom, SampleStore } from './sampleStore.ts';
import { SampleStream, type StreamOptions } from './sampleStream.ts';

/** Whether samples are read as they are needed: `auto` does so where they do not fit in memory. */
export type StreamChoice = 'auto' | 'always' | 'never';

/**
 * The samples of data sets (`dir` or `dir:weight`): held in memory where they fit, which is faster, else read as they
 * are needed; or as it is chosen. Which, `log` is told. Either way the batches are the same.
 * @throws InputError when they are to be in memory and do not fit, or a file is bad
 */
export async function openSamples(
  folders: readonly string[],
  options: SampleOptions & StreamOptions & { readonly stream: StreamChoice; readonly log: (line: string) => void },
): Promise<SampleSource> {
  const { stream, log, frameCache } = options;
  const prepared = await prepareSamples(folders, options);
  const [needed, limit] = [bytesInMemory(prepared), memoryLimit(options)];
  const which = options.split?.part === 'validation' ? 'held-out samples' : 'samples';
  const of = `${gibibytes(needed)}, allowed are ${gibibytes(limit)}`;
  if (stream === 'always' || (stream === 'auto' && needed > limit)) {
    log(`${which}: read as they are needed (${stream === 'always' ? 'as chosen' : `in memory they take ${of}`})`);
    if (frameCache)
      log(`${which}: decoded pictures are kept in ${frameCache.dir} (${roomWords(frameCache, prepared)})`);
    return SampleStream.open(prepared, { ...options, memoryLimit: limit });
  }
  requireRoom(prepared, options);
  log(`${which}: held in memory (${of})${frameCache ? '; no pictures are kept on disk' : ''}`);
  return SampleStore.read(prepared, options);
}

/** What the cache may take, and all pictures of the samples would. */
function roomWords({ limit }: FolderLimit, { plan, sampleBytes }: PreparedSamples): string {
  const all = plan.samples * sampleBytes;
  return `at most ${gibibytes(limit)}; all take ${gibibytes(all)}${all > limit ? ': a part of them is kept' : ''}`;
}

import type { PlannedEpisode } from './planSamples.ts';

/** Samples of one message to a worker, at most. */
const SAMPLES_PER_JOB = 128;

/** Where a sample that was read belongs: a batch of a list, and its place there. */
export interface Target {
  readonly batch: number;
  readonly place: number;
}

/** Samples of one episode to be read together, by the frames (ascending) at which they begin. */
export interface ReadJob {
  readonly planned: PlannedEpisode;
  readonly frames: Int32Array;
  /** For each frame. */
  readonly targets: readonly (readonly Target[])[];
}

/**
 * The samples of some batches, each episode's together, so that its table and its videos are read once; jobs that an
 * earlier batch needs come first. @param batches places of samples in the plan @param episodes of the plan
 */
export function readJobs(batches: readonly ArrayLike<number>[], episodes: readonly PlannedEpisode[]): ReadJob[] {
  const byEpisode = new Map<PlannedEpisode, Map<number, Target[]>>();
  for (const [batch, places] of batches.entries())
    for (let place = 0; place < places.length; place++) {
      const sample = places[place] as number;
      const planned = episodeOf(sample, episodes);
      const frame = planned.starts.first + (sample - planned.firstSample) * planned.starts.stride;
      const frames = byEpisode.get(planned) ?? new Map<number, Target[]>();
      byEpisode.set(planned, frames);
      const targets = frames.get(frame);
      if (targets) targets.push({ batch, place });
      else frames.set(frame, [{ batch, place }]);
    }
  const jobs: ReadJob[] = [];
  for (const [planned, found] of byEpisode) {
    const frames = [...found].sort(([a], [b]) => a - b);
    for (let at = 0; at < frames.length; at += SAMPLES_PER_JOB) {
      const part = frames.slice(at, at + SAMPLES_PER_JOB);
      jobs.push({
        planned,
        frames: Int32Array.from(part, ([frame]) => frame),
        targets: part.map(([, targets]) => targets),
      });
    }
  }
  const first = new Map(jobs.map((job) => [job, Math.min(...job.targets.flat().map(({ batch }) => batch))]));
  return jobs.sort((a, b) => (first.get(a) ?? 0) - (first.get(b) ?? 0));
}

/** The episode that a place in the plan is of. */
export function episodeOf(sample: number, episodes: readonly PlannedEpisode[]): PlannedEpisode {
  let [low, high] = [0, episodes.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((episodes[middle] as PlannedEpisode).firstSample <= sample) low = middle;
    else high = middle - 1;
  }
  return episodes[low] as PlannedEpisode;
}

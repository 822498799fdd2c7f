import { existsSync } from 'node:fs';
import { ValetError } from '../../base/index.ts';
import { type Dataset, type Episode, intervalsOf, sidePath } from '../lerobot/index.ts';
import { type ReportProblem, withoutPlace } from './problem.ts';

/**
 * The files of an episode beside its rows and pictures: they are there, and what they say lies within the episode.
 * @param available only what is there is checked
 */
export async function checkSideFiles(
  dataset: Dataset,
  episode: Episode,
  available: boolean,
  report: ReportProblem,
): Promise<void> {
  const { info, root } = dataset;
  const read = async (code: 'annotation' | 'metainfo', work: (path: string) => Promise<void>) => {
    const path = sidePath(root, info, `${code}_path`, episode.index);
    if (!path) return;
    if (!existsSync(path)) {
      // Conversions to v3.0 keep the names in info.json and drop the files.
      if (dataset.format === 'v2.1' && !available)
        report(code, path, `the file of episode ${episode.index} is not there.`);
      return;
    }
    try {
      await work(path);
    } catch (error) {
      if (!(error instanceof ValetError)) throw error;
      report(code, path, withoutPlace(error));
    }
  };
  await read('annotation', async (path) => {
    const annotation = await dataset.annotation(episode);
    for (const [i, skill] of (annotation?.skill_annotation ?? []).entries())
      for (const [start, end] of intervalsOf(skill.frame_duration))
        if (!(start >= 0 && start <= end && end <= episode.length))
          report(
            'annotation',
            path,
            `skill ${i} lasts from ${start} to ${end}, the episode has ${episode.length} frames.`,
          );
  });
  await read('metainfo', async (path) => {
    const meta = await dataset.metaInfo(episode);
    const clip = meta?.['clip'] as { start?: unknown; fullLength?: unknown } | undefined;
    if (clip && !(Number(clip.start) >= 0 && Number(clip.start) + episode.length <= Number(clip.fullLength)))
      report(
        'metainfo',
        path,
        `clip from ${clip.start} of ${clip.fullLength} frames does not hold the episode's ${episode.length}.`,
      );
  });
}

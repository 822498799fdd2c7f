import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ValetError } from '../../base/index.ts';
import {
  type Dataset,
  type Episode,
  pictureFeatures,
  pictureSize,
  videoMisfit,
  WindowError,
} from '../lerobot/index.ts';
import { type ReportProblem, withoutPlace } from './problem.ts';

/** One episode's pictures of a feature: there, of their size, as many as frames, and every one of them whole. */
export async function checkPictures(
  dataset: Dataset,
  episode: Episode,
  feature: string,
  endsOnly: boolean,
  report: ReportProblem,
): Promise<void> {
  const stored = dataset.info.features[feature]?.dtype === 'image';
  let path = stored ? dataset.dataPath(episode) : dataset.root;
  const last = episode.length - 1;
  try {
    if (stored && !existsSync(path)) return;
    if (!stored) {
      path = dataset.video(episode, feature).path;
      const misfit = videoMisfit(dataset, episode, feature);
      if (misfit) return report(misfit.code, misfit.path, misfit.message);
    }
    if (endsOnly) {
      const ends = await dataset.frames(episode, feature, [...new Set([0, last])]);
      checkSize(dataset, feature, stored, path, ends, report);
      return;
    }
    // Of a video every frame is decoded, and only these become pictures.
    const wanted = stored ? Array.from({ length: last + 1 }, (_, i) => i) : [...new Set([0, last])];
    let told = false;
    await dataset.eachPicture(episode, feature, wanted, (_, __, width, height) => {
      if (!told) told = checkSize(dataset, feature, stored, path, { width, height }, report);
    });
  } catch (error) {
    if (!(error instanceof ValetError)) throw error;
    if (error instanceof WindowError) report('video-frames', error.where, withoutPlace(error));
    else report('video-broken', path, withoutPlace(error));
  }
}

/** Whether pictures in tables have another size than info.json says. */
function checkSize(
  { info }: Dataset,
  feature: string,
  stored: boolean,
  path: string,
  is: { readonly width: number; readonly height: number },
  report: ReportProblem,
): boolean {
  const says = pictureSize(info, feature);
  if (!stored || !says || (is.width === says.width && is.height === says.height)) return false;
  const [got, expected] = [is, says].map(({ width, height }) => `${width}x${height}`);
  report('video-size', path, `${feature} is ${got}, info.json says ${expected}.`);
  return true;
}

/** Videos below videos/ that no episode names: the index lost them, or something left them over. */
export async function checkUnlistedVideos(dataset: Dataset, report: ReportProblem): Promise<void> {
  const folder = join(dataset.root, 'videos');
  if (!existsSync(folder)) return;
  const listed = new Set<string>();
  for (const feature of pictureFeatures(dataset.info))
    for (const episode of dataset.episodes)
      try {
        listed.add(dataset.video(episode, feature).path);
      } catch (error) {
        if (!(error instanceof ValetError)) throw error;
        return; // which the episode's own check tells
      }
  for (const entry of await readdir(folder, { recursive: true })) {
    const path = join(folder, entry);
    const hidden = entry.split(/[/\\]/).some((part) => part.startsWith('.'));
    if (entry.endsWith('.mp4') && !hidden && !listed.has(path))
      report('video-unlisted', path, 'no episode of the index names this video.');
  }
}

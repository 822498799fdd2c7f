import { statSync } from 'node:fs';
import { InputError } from '../../base/index.ts';
import { probeVideo } from '../video/index.ts';
import { cameraNameOf } from './cameras.ts';
import type { Dataset, Episode } from './dataset.ts';
import { pictureSize } from './layout.ts';

/** Why the videos of an episode do not fit the index. */
export interface VideoMisfit {
  readonly code: 'video-missing' | 'video-frames' | 'video-rate' | 'video-size';
  readonly path: string;
  readonly message: string;
}

/** Files that were looked at, by path, size and time of change: what they hold. */
const probed = new Map<string, ReturnType<typeof probeVideo>>();
const REMEMBERED = 4096;
/** Of the rate: containers round times. Another rate is off by more, and no frame is where it should be. */
const RATE_SLACK = 0.01;

/**
 * Compares one video with what the data set's index says of it: that it is there, its frames, their rate and size.
 * Reads the file once, without decoding.
 * @throws VideoError when it cannot be read, InputError when the index names none
 */
export function videoMisfit(dataset: Dataset, episode: Episode, feature: string): VideoMisfit | undefined {
  const { path, frames } = dataset.video(episode, feature);
  const camera = cameraNameOf(feature);
  const file = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (!file)
    return { code: 'video-missing', path, message: `the ${camera} video of episode ${episode.index} is not there.` };
  const key = `${path} ${file.size} ${file.mtimeNs}`;
  let probe = probed.get(key);
  if (!probe) {
    probe = probeVideo(path);
    if (probed.size >= REMEMBERED) probed.clear();
    probed.set(key, probe);
  }
  if (probe.frames !== frames) {
    const whose = frames === episode.length ? `episode ${episode.index} has` : 'its episodes have';
    return { code: 'video-frames', path, message: `holds ${probe.frames} frames, ${whose} ${frames}.` };
  }
  const { fps } = dataset;
  // Times of few frames tell no rate.
  if (Math.abs(probe.fps / fps - 1) > Math.max(RATE_SLACK, 1 / probe.frames)) {
    const shown = Number(probe.fps.toFixed(2));
    return { code: 'video-rate', path, message: `has ${shown} frames a second, info.json says ${fps}.` };
  }
  const size = pictureSize(dataset.info, feature);
  if (size && (probe.width !== size.width || probe.height !== size.height))
    return {
      code: 'video-size',
      path,
      message: `pictures are ${probe.width}x${probe.height}, info.json says ${size.width}x${size.height}.`,
    };
  return undefined;
}

/** @throws InputError when a camera's or feature's video does not fit the index, as `valet data check` says it */
export function requireVideo(dataset: Dataset, episode: Episode, camera: string): void {
  const feature = dataset.cameraFeature(camera);
  if (dataset.info.features[feature]?.dtype !== 'video') return;
  const misfit = videoMisfit(dataset, episode, feature);
  if (misfit) throw new InputError(misfit.path, `${misfit.message} Run valet data check.`);
}

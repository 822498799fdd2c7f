import type { Dataset, Episode } from '../lerobot/index.ts';
import { keyFrameGap } from '../video/index.ts';

/**
 * From how many frames on it is quicker to seek than to decode on, for each feature of a data set: the distance of the
 * key frames in the first video of it that was read. Decoders give the same pictures either way.
 */
export class SeekGaps {
  private readonly known = new Map<string, number | undefined>();

  /** Undefined where pictures are no video. */
  of(dataset: Dataset, episode: Episode, camera: string): number | undefined {
    const feature = dataset.cameraFeature(camera);
    const key = `${dataset.root} ${feature}`;
    if (!this.known.has(key)) {
      const isVideo = dataset.info.features[feature]?.dtype === 'video';
      this.known.set(key, isVideo ? keyFrameGap(dataset.video(episode, camera).path) : undefined);
    }
    return this.known.get(key);
  }
}

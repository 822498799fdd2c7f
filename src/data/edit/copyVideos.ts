import { constants } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeFolder } from '../../base/index.ts';
import { resizeWithPad } from '../../picture/index.ts';
import { type Info, pictureSize } from '../lerobot/index.ts';
import { type EncodedCodec, InseparableError, joinVideos, probeVideo, VideoWriter } from '../video/index.ts';
import { isWhole, type KeptEpisode } from './keptEpisode.ts';

/** Names of the features that are videos. */
export const videoFeatures = ({ features }: Pick<Info, 'features'>): string[] =>
  Object.entries(features).flatMap(([name, { dtype }]) => (dtype === 'video' ? [name] : []));

/** Writes one of a kept episode's videos with square pictures, as the network gets them: scaled to fit, on black. */
export async function resizeVideo(
  kept: KeptEpisode,
  feature: string,
  out: string,
  { size, codec }: { readonly size: number; readonly codec?: EncodedCodec | undefined },
): Promise<void> {
  await encodeAgain(kept, feature, out, { width: size, height: size, codec }, (data, width, height) =>
    resizeWithPad({ data, width, height, channels: 3 }, size),
  );
}

/**
 * Writes one of a kept episode's videos as a file of its own. A whole file is copied; a part is cut out without
 * decoding where it begins with a key frame, else encoded again.
 * @returns whether it was encoded again
 */
export async function copyVideo(kept: KeptEpisode, feature: string, out: string): Promise<boolean> {
  const { source, episode, from, to } = kept;
  const place = source.video(episode, feature);
  await makeFolder(dirname(out));
  if (isWhole(kept) && place.startSeconds === 0 && place.frames === episode.length) {
    // A copy on write where the disk has it.
    await copyFile(place.path, out, constants.COPYFILE_FICLONE);
    return false;
  }
  const startSeconds = place.startSeconds + from / source.fps;
  try {
    joinVideos(out, [{ path: place.path, startSeconds, frames: to - from }], source.fps);
    return false;
  } catch (error) {
    if (!(error instanceof InseparableError)) throw error;
  }
  await encodeAgain(
    kept,
    feature,
    out,
    pictureSize(source.info, feature) ?? probeVideo(place.path),
    (picture) => picture,
  );
  return true;
}

async function encodeAgain(
  { source, episode, from, to }: KeptEpisode,
  feature: string,
  out: string,
  {
    width,
    height,
    codec,
  }: { readonly width: number; readonly height: number; readonly codec?: EncodedCodec | undefined },
  change: (picture: Uint8Array, width: number, height: number) => Uint8Array,
): Promise<void> {
  await makeFolder(dirname(out));
  const writer = new VideoWriter(out, width, height, { fps: source.fps, ...(codec && { codec }) });
  try {
    const wanted = Array.from({ length: to - from }, (_, i) => from + i);
    await source.eachPicture(episode, feature, wanted, (_, ...picture) => writer.add(change(...picture)));
    writer.finish();
  } finally {
    writer.close();
  }
}

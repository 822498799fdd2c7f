import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  bytesText,
  digestOf,
  InputError,
  isUnwritable,
  packageVersion,
  present,
  requireOutput,
} from '../../base/index.ts';
import { CacheFolder, type FolderLimit } from '../remote/index.ts';
import { VideoError } from '../video/index.ts';
import { blockBytes, readBlock, writeBlock } from './frameBlock.ts';
import type { ChunkStarts } from './sampling.ts';

/** A cache on disk, and how much of all pictures has room in it. */
export interface FrameCacheSetting extends FolderLimit {
  /** 0 to 1. */
  readonly share: number;
}

/** Pictures of one file; they are decoded together. */
const BLOCK = 64;
/** Of the limit that one run's samples may take: others share the folder. */
const FILLED = 0.9;
/** Raised when the same video gives other pictures. */
const FORM = 1;
const OPTION = '--frame-cache DIR:SIZE';

/**
 * What a cache is for some samples.
 * @param bytes of a picture @param pictures of all samples
 * @throws InputError when nothing can be written there, or the limit is less than a file of it
 */
export async function frameCacheSetting(
  { dir, limit }: FolderLimit,
  { bytes, pictures }: { readonly bytes: number; readonly pictures: number },
): Promise<FrameCacheSetting> {
  const one = blockBytes(BLOCK, bytes);
  if (limit < one)
    throw new InputError(
      dir,
      `may take ${bytesText(limit)}; a file of it takes ${bytesText(one)}. Allow more (${OPTION}).`,
    );
  await requireOutput(dir, { kind: 'folder' });
  return { dir: resolve(dir), limit, share: Math.min(1, (FILLED * limit) / blockBytes(pictures, bytes)) };
}

/** Where the pictures of a camera in an episode come from. */
export interface EpisodeFilm {
  readonly path: string;
  readonly startSeconds: number;
  readonly fps: number;
  /** The frames that are samples: those that are kept. */
  readonly starts: ChunkStarts;
}

/** Decodes frames, ascending, and hands each to `put` in the size that is kept. */
export type Decode = (frames: readonly number[], put: (place: number, picture: Uint8Array) => void) => Promise<void>;

/** Frames of a file, and their places in the list of those that are wanted. */
interface Block {
  readonly frames: readonly number[];
  readonly path: string;
  readonly wanted: { readonly inBlock: number; readonly place: number }[];
}

/**
 * Decoded and shrunk frames of videos on disk, for the next epoch and the next run. A file of it belongs to a video's
 * path, size and time of change; it is written aside and renamed, so that any number of processes may share the folder
 * and be killed. Where not all frames have room, a fixed part of them is kept.
 */
export class FrameCache {
  private readonly folder: CacheFolder;
  private full: Error | undefined;

  /** @param bytes of a picture */
  constructor(
    private readonly setting: FrameCacheSetting,
    private readonly bytes: number,
  ) {
    this.folder = new CacheFolder(setting.dir, setting.limit, OPTION);
  }

  /** Why nothing more is kept, once the disk takes nothing. */
  get problem(): string | undefined {
    return this.full?.message;
  }

  /**
   * Hands the pictures of frames (samples of the source, ascending) to `put`, from the disk or decoded.
   * @throws VideoError when a frame that is wanted cannot be decoded
   */
  async read(
    source: EpisodeFilm,
    frames: ArrayLike<number>,
    decode: Decode,
    put: (place: number, picture: Uint8Array) => void,
  ): Promise<void> {
    const direct: number[] = [];
    const blocks = this.blocksOf(source, frames);
    // Whoever decodes it says what is wrong with a video that is not there.
    if (!blocks) return decode(Array.from(frames), put);
    for (const block of blocks) {
      const pictures = this.readKept(block) ?? (this.hasRoomFor(block) ? await this.fill(block, decode) : undefined);
      if (!pictures) direct.push(...block.wanted.map(({ place }) => place));
      else for (const [i, { place }] of block.wanted.entries()) put(place, present(pictures[i], 'the picture'));
    }
    if (direct.length === 0) return;
    const wanted = direct.map((place) => present(frames[place], 'the frame'));
    await decode(wanted, (i, picture) => put(present(direct[i], 'the place'), picture));
  }

  private blocksOf({ path, startSeconds, fps, starts }: EpisodeFilm, frames: ArrayLike<number>) {
    const its = statSync(path, { bigint: true, throwIfNoEntry: false });
    if (!its) return undefined;
    const { first, stride, count } = starts;
    const video = [resolve(path), String(its.size), String(its.mtimeNs), startSeconds, fps];
    const key = digestOf([FORM, packageVersion(), this.bytes, ...video, first, stride]);
    const blocks = new Map<number, Block>();
    for (let place = 0; place < frames.length; place++) {
      const sample = (present(frames[place], 'the frame') - first) / stride;
      const number = Math.floor(sample / BLOCK);
      const from = number * BLOCK;
      let block = blocks.get(number);
      if (!block) {
        const all = Array.from({ length: Math.min(BLOCK, count - from) }, (_, i) => first + (from + i) * stride);
        const name = `${number}-${all.length}.frames`;
        block = { frames: all, path: join(this.setting.dir, 'sets', key.slice(0, 2), key, name), wanted: [] };
        blocks.set(number, block);
      }
      block.wanted.push({ inBlock: sample - from, place });
    }
    return blocks.values();
  }

  private readKept({ path, frames, wanted }: Block): Uint8Array[] | undefined {
    const places = wanted.map(({ inBlock }) => inBlock);
    try {
      return readBlock(path, { count: frames.length, bytes: this.bytes }, places);
    } catch (error) {
      if (!isUnwritable(error)) throw error;
      return undefined; // nor readable: then it is decoded
    }
  }

  private hasRoomFor({ path }: Block): boolean {
    if (this.full) return false;
    const { share } = this.setting;
    return share === 1 || Number.parseInt(digestOf(path).slice(0, 8), 16) < share * 2 ** 32;
  }

  /** Decodes all of a block and keeps it. @returns what is wanted of it; undefined when a frame of it is damaged */
  private async fill({ frames, path, wanted }: Block, decode: Decode): Promise<Uint8Array[] | undefined> {
    const { bytes } = this;
    const pictures = new Uint8Array(frames.length * bytes);
    try {
      await decode(frames, (i, picture) => pictures.set(picture, i * bytes));
    } catch (error) {
      if (!(error instanceof VideoError)) throw error;
      return undefined; // perhaps none that is wanted
    }
    try {
      await this.folder.makeRoom(blockBytes(frames.length, bytes), path);
      await writeBlock(path, pictures, bytes);
    } catch (error) {
      const isGone = (error as NodeJS.ErrnoException).code === 'ENOENT'; // somebody clears the folder
      if (!isGone && !isUnwritable(error)) throw error;
      if (!isGone) this.full = error as Error;
    }
    return wanted.map(({ inBlock }) => pictures.subarray(inBlock * bytes, (inBlock + 1) * bytes));
  }
}

import { existsSync } from 'node:fs';
import { appendFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { eachOfJournal, jsonLineAt, type LinePlace, makeFolder, present } from '../../base/index.ts';
import { copyParquet, episodePaths, fillPath, type Info } from '../lerobot/index.ts';
import { joinVideos, videoForm } from '../video/index.ts';
import { videoFeatures } from './copyVideos.ts';
import type { EpisodeStats } from './episodeTables.ts';
import type { KeptEpisode } from './keptEpisode.ts';

/** Where v3.0 has its files, and how large they may grow; the values of LeRobot. */
export const V30_LAYOUT = {
  chunks_size: 1000,
  data_files_size_in_mb: 100,
  video_files_size_in_mb: 200,
  data_path: 'data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet',
  video_path: 'videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4',
} as const;
const MB = 1 << 20;
const TABLES = 'data';

/** What is known of an episode once its own files are written, by kind: the tables, or a feature of videos. */
interface Piece {
  readonly index: number;
  readonly length: number;
  readonly files: Readonly<Record<string, { readonly bytes: number; readonly form: string }>>;
}

/** A line of the journal. The statistics stay there: they are most of it. */
type JournalLine = Piece & { readonly stats: EpisodeStats };

/** Episodes that share a file. */
interface Group {
  readonly form: string;
  readonly pieces: Piece[];
  bytes: number;
}

export interface SharedOptions {
  /** The folder of the episodes' own files, as `info` names them (v2.1, numbered from 0). */
  readonly pieces: string;
  readonly info: Info;
  /** Of the v3.0 set. */
  readonly out: string;
  /** Keeps what is known of each episode, a line each. */
  readonly journal: string;
  /** Bytes at which another shared file begins; LeRobot's when left out. */
  readonly maxBytes?: { readonly data?: number; readonly video?: number } | undefined;
}

/**
 * The shared tables and videos of a v3.0 set, made of episodes' own files as these are written, without decoding. A
 * file is joined as soon as the next episode does not fit; its pieces are removed then, so that the disk holds the set
 * once. What a killed run left is gone on with: the journal tells which episodes are done.
 */
export class SharedFiles {
  /** Of the journal that the last run left. */
  private readonly known = new Map<number, { readonly piece: Piece; readonly place: LinePlace }>();
  private readonly groups = new Map<string, Group>();
  /** Files of each kind that are full. */
  private readonly full = new Map<string, number>();
  private readonly places = new Map<number, Record<string, unknown>>();
  /** In the tables that are full. */
  private frames = 0;
  private readonly kinds: readonly string[];

  private constructor(private readonly options: SharedOptions) {
    this.kinds = [TABLES, ...videoFeatures(options.info)];
  }

  /** @throws InputError when the journal is damaged */
  static async open(options: SharedOptions): Promise<SharedFiles> {
    const shared = new SharedFiles(options);
    for await (const { value, place } of eachOfJournal<JournalLine>(options.journal)) {
      const { index, length, files } = value;
      shared.known.set(index, { piece: { index, length, files }, place });
    }
    return shared;
  }

  /** Statistics of an episode that was added before the last run ended. */
  async statistics(index: number): Promise<EpisodeStats | undefined> {
    const line = this.known.get(index);
    return line && ((await jsonLineAt(this.options.journal, line.place)) as JournalLine).stats;
  }

  /** Takes over an episode's own files, in the order of the episodes. */
  async add({ index, from, to }: KeptEpisode, stats: EpisodeStats): Promise<void> {
    const piece = this.known.get(index)?.piece ?? (await this.note(index, to - from, stats));
    for (const kind of this.kinds) {
      const { bytes, form } = present(piece.files[kind], `the file of ${kind}`);
      const last = this.groups.get(kind);
      if (last && last.bytes + bytes <= this.limitOf(kind) && last.form === form) {
        last.pieces.push(piece);
        last.bytes += bytes;
      } else {
        await this.join(kind);
        this.groups.set(kind, { form, bytes, pieces: [piece] });
      }
    }
  }

  /** Joins the last files. @returns where the tables and videos of each episode are, as meta/episodes says it */
  async finish(): Promise<ReadonlyMap<number, Readonly<Record<string, unknown>>>> {
    for (const kind of this.kinds) await this.join(kind);
    return this.places;
  }

  private async note(index: number, length: number, stats: EpisodeStats): Promise<Piece> {
    const files: Record<string, { bytes: number; form: string }> = {};
    for (const kind of this.kinds) {
      const path = this.pathOf(kind, index);
      files[kind] = { bytes: (await stat(path)).size, form: kind === TABLES ? '' : videoForm(path) };
    }
    const line: JournalLine = { index, length, stats, files };
    await appendFile(this.options.journal, `${JSON.stringify(line)}\n`);
    return { index, length, files };
  }

  /** Writes the file that has become full, or is the last. */
  private async join(kind: string): Promise<void> {
    const group = this.groups.get(kind);
    if (!group) return;
    this.groups.delete(kind);
    const { info, out } = this.options;
    const number = this.full.get(kind) ?? 0;
    this.full.set(kind, number + 1);
    const { chunks_size: size, data_path, video_path } = V30_LAYOUT;
    const [chunk_index, file_index] = [Math.floor(number / size), number % size];
    const values = { video_key: kind, chunk_index, file_index };
    const to = join(out, fillPath(kind === TABLES ? data_path : video_path, values));
    const paths = group.pieces.map(({ index }) => this.pathOf(kind, index));
    await once(to, (path) => {
      if (kind === TABLES)
        return copyParquet(path, paths, (table) => `select * exclude (file_row_number) from ${table}`);
      const pieces = group.pieces.map(({ length }, i) => ({ path: paths[i] ?? '', startSeconds: 0, frames: length }));
      return joinVideos(path, pieces, info.fps);
    });
    for (const path of paths) await rm(path, { force: true });
    let before = 0;
    for (const { index, length } of group.pieces) {
      if (kind === TABLES) {
        const first = this.frames;
        this.frames += length;
        this.place(index, { 'data/chunk_index': chunk_index, 'data/file_index': file_index });
        this.place(index, { dataset_from_index: first, dataset_to_index: first + length });
      } else {
        const [from_timestamp, to_timestamp] = [before / info.fps, (before + length) / info.fps];
        const its = { chunk_index, file_index, from_timestamp, to_timestamp };
        this.place(index, Object.fromEntries(Object.entries(its).map(([key, v]) => [`videos/${kind}/${key}`, v])));
      }
      before += length;
    }
  }

  private place(index: number, its: Record<string, unknown>): void {
    this.places.set(index, { ...this.places.get(index), ...its });
  }

  private pathOf(kind: string, index: number): string {
    const { data, video } = episodePaths(this.options.pieces, this.options.info, index);
    return kind === TABLES ? data : present(video(kind), 'the path of a video');
  }

  private limitOf(kind: string): number {
    const { data, video } = this.options.maxBytes ?? {};
    if (kind === TABLES) return data ?? V30_LAYOUT.data_files_size_in_mb * MB;
    return video ?? V30_LAYOUT.video_files_size_in_mb * MB;
  }
}

/** Writes a file aside and renames it, unless it is there. */
async function once(path: string, write: (path: string) => Promise<void> | void): Promise<void> {
  if (existsSync(path)) return;
  await makeFolder(dirname(path));
  await write(`${path}.tmp`);
  await rename(`${path}.tmp`, path);
}

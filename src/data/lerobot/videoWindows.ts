/** What an episode's row says of its part of a video file. */
export interface WindowRow {
  readonly episode: number;
  /** Frames. */
  readonly length: number;
  readonly chunk: number;
  readonly file: number;
  /** Seconds; null where the index does not say. */
  readonly from: number | null;
  readonly to: number | null;
}

export interface VideoWindow {
  readonly episode: number;
  readonly length: number;
  readonly from: number;
  readonly to: number;
}

/** The episodes of one video file. */
export interface VideoFile {
  readonly chunk: number;
  readonly file: number;
  readonly windows: readonly VideoWindow[];
  /** Frames of all of them. */
  readonly frames: number;
  /** Why the windows cannot be used: they must tile the file in the order of the episodes. */
  readonly problems: readonly string[];
}

/** Frames by which a boundary may be off: containers round times. */
const SLACK = 0.25;

/**
 * The windows of one feature's video files. Where the index says no times, they follow from the lengths: episodes stand
 * one behind the other, in the order of their numbers.
 */
export function videoFiles(rows: readonly WindowRow[], fps: number): VideoFile[] {
  const groups = new Map<string, WindowRow[]>();
  for (const row of [...rows].sort((a, b) => a.episode - b.episode)) {
    const key = `${row.chunk} ${row.file}`;
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return [...groups.values()].map((group) => {
    const [{ chunk, file } = { chunk: 0, file: 0 }] = group;
    const windows: VideoWindow[] = [];
    let end = 0;
    for (const { episode, length, from, to } of group) {
      const seconds = length / fps;
      const start = from ?? (to === null ? end : to - seconds);
      windows.push({ episode, length, from: start, to: to ?? start + seconds });
      end = start + seconds;
    }
    const frames = group.reduce((sum, { length }) => sum + length, 0);
    return { chunk, file, windows, frames, problems: problemsOf(windows, fps) };
  });
}

function problemsOf(windows: readonly VideoWindow[], fps: number): string[] {
  const problems: string[] = [];
  let before: VideoWindow | undefined;
  for (const window of windows) {
    const { episode, length, from, to } = window;
    const frames = (to - from) * fps;
    if (!(Math.abs(frames - length) <= SLACK))
      problems.push(`episode ${episode} has ${length} frames, its window ${frames.toFixed(2)}.`);
    const off = (from - (before?.to ?? 0)) * fps;
    const place = before ? `where episode ${before.episode} ends` : 'at the beginning of the file';
    if (!(Math.abs(off) <= SLACK))
      problems.push(
        `the window of episode ${episode} begins at ${from.toFixed(3)} s, ${Math.abs(off).toFixed(2)} frames ` +
          `${off < 0 ? 'before' : 'after'} ${(before?.to ?? 0).toFixed(3)} s, ${place}.`,
      );
    before = window;
  }
  return problems;
}

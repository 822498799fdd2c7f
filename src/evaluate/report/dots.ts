/** Episodes of about the same q, where they stand in a row of the figure. */
export interface Stack {
  /** Mean q of those in it. */
  readonly q: number;
  readonly low: number;
  readonly high: number;
  /** Indices into the scores. */
  readonly members: readonly number[];
}

/** Places of a row's dots, or its stacks when there are too many to draw each. */
export type DotLayout =
  | { readonly kind: 'dots'; readonly pitch: number; readonly height: number; readonly dots: readonly Dot[] }
  | { readonly kind: 'bars'; readonly height: number; readonly bars: readonly (Stack & { readonly size: number })[] };

/** A dot's middle: right of q's own place, and above the row's foot. */
export interface Dot {
  readonly index: number;
  readonly x: number;
  readonly up: number;
}

/** Stacks over the range of q. */
const STACKS = 20;
const PITCHES = [10, 9, 8, 7];
/** A row of dots is no higher; else it is drawn as bars. */
const HIGHEST = 72;

/** Scores in [0, 1] by stack, from low to high; empty stacks are left out. */
export function stackScores(scores: readonly number[]): Stack[] {
  const byPlace = new Map<number, number[]>();
  scores.forEach((q, i) => {
    const place = Math.round(q * STACKS);
    byPlace.set(place, [...(byPlace.get(place) ?? []), i]);
  });
  return [...byPlace]
    .sort(([a], [b]) => a - b)
    .map(([, members]) => {
      const own = members.map((i) => scores[i] as number);
      return {
        q: own.reduce((sum, q) => sum + q, 0) / own.length,
        low: Math.min(...own),
        high: Math.max(...own),
        members,
      };
    });
}

/**
 * Each score a dot above its q; alike ones stand beside and above one another, and no two dots touch. When there are
 * too many for that, a bar for each stack.
 * @param width pixels from q = 0 to q = 1
 * @param side pixels that dots may reach beyond either end
 */
export function layOutDots(scores: readonly number[], width: number, side: number): DotLayout {
  const stacks = stackScores(scores);
  const room = stacks.map(({ q }, i) => {
    const before = stacks[i - 1];
    const after = stacks[i + 1];
    const left = before ? ((q - before.q) * width) / 2 : side;
    const right = after ? ((after.q - q) * width) / 2 : side;
    return 2 * Math.min(left, right, side);
  });
  const most = Math.max(0, ...stacks.map(({ members }) => members.length));
  for (const pitch of PITCHES) {
    // As few columns as the height allows, the same for all stacks where there is room: height then shows their size.
    const few = Math.ceil(most / Math.floor(HIGHEST / pitch));
    const columns = room.map((pixels) => Math.max(1, Math.min(few, Math.floor(pixels / pitch))));
    const rows = stacks.map(({ members }, i) => Math.ceil(members.length / (columns[i] as number)));
    const height = Math.max(0, ...rows) * pitch;
    const touching = stacks.some((_, i) => (room[i] as number) < pitch);
    if (height > HIGHEST || touching) continue;
    const dots = stacks.flatMap(({ q, members }, i) => {
      const across = Math.min(members.length, columns[i] as number);
      return members.map((index, k) => ({
        index,
        x: q * width + ((k % across) - (across - 1) / 2) * pitch,
        up: (Math.floor(k / across) + 0.5) * pitch,
      }));
    });
    return { kind: 'dots', pitch, height, dots };
  }
  const bars = stacks.map((stack) => ({ ...stack, size: Math.max(2, (stack.members.length / most) * (HIGHEST - 16)) }));
  return { kind: 'bars', height: HIGHEST, bars };
}

import { describe, expect, it } from 'vitest';
import { videoFiles, type WindowRow } from './videoWindows.ts';

const FPS = 30;
const LENGTHS = [62, 75, 66, 62];

/** Episodes one behind the other in one file, as writers leave them. */
function rows(change: (row: WindowRow, i: number) => Partial<WindowRow> = () => ({})): WindowRow[] {
  let frames = 0;
  return LENGTHS.map((length, episode) => {
    const from = frames / FPS;
    frames += length;
    const row: WindowRow = { episode, length, chunk: 0, file: 0, from, to: frames / FPS };
    return { ...row, ...change(row, episode) };
  });
}
const problemsOf = (changed: WindowRow[]) => videoFiles(changed, FPS).flatMap(({ problems }) => problems);

describe('windows of a video file', () => {
  it('that tile it are right, also when times are rounded and rows come in another order', () => {
    const [file] = videoFiles(rows().reverse(), FPS);
    expect(file).toMatchObject({ frames: 265, problems: [] });
    expect(problemsOf(rows(({ from, to }) => ({ from: (from ?? 0) + 0.002, to: (to ?? 0) - 0.003 })))).toEqual([]);
  });

  const none = () => ({ from: null, to: null });
  it.each([
    ['all missing', none],
    ['the first missing', (_: WindowRow, i: number) => (i === 0 ? none() : {})],
    ['one missing within', (_: WindowRow, i: number) => (i === 2 ? none() : {})],
    ['no beginnings', () => ({ from: null })],
    ['no ends', () => ({ to: null })],
  ])('follow from the lengths: %s', (_, change) => {
    const [derived, told] = [rows(change), rows()].map((one) => videoFiles(one, FPS)[0]);
    expect(derived?.problems).toEqual([]);
    for (const [i, { from, to }] of (told?.windows ?? []).entries()) {
      expect(derived?.windows[i]?.from).toBeCloseTo(from, 9);
      expect(derived?.windows[i]?.to).toBeCloseTo(to, 9);
    }
  });

  it.each<[string, (row: WindowRow, i: number) => Partial<WindowRow>, RegExp]>([
    [
      'late by a frame',
      ({ from, to }) => ({ from: (from ?? 0) + 1 / FPS, to: (to ?? 0) + 1 / FPS }),
      /1.00 frames after/,
    ],
    [
      'early by a frame',
      ({ from, to }, i) => (i ? { from: (from ?? 0) - 1 / FPS, to: (to ?? 0) - 1 / FPS } : {}),
      /before 2.067 s/,
    ],
    [
      'one too long',
      ({ to }, i) => (i === 1 ? { to: (to ?? 0) + 1 / FPS } : {}),
      /episode 1 has 75 frames, its window 76.00/,
    ],
    ['two at one place', (_, i) => (i === 3 ? { from: 0, to: 62 / FPS } : {}), /episode 3 begins at 0.000 s/],
    [
      'two swapped',
      (_, i) => (i === 0 ? { from: 203 / FPS, to: 265 / FPS } : i === 3 ? { from: 0, to: 62 / FPS } : {}),
      /episode 0 begins at 6.767 s/,
    ],
    ['no number', (_, i) => (i === 1 ? { from: Number.NaN } : {}), /episode 1 has 75 frames, its window NaN/],
  ])('that are wrong are named: %s', (_, change, message) => {
    expect(problemsOf(rows(change)).join(' ')).toMatch(message);
  });

  it('are those of each file apart', () => {
    const files = videoFiles(
      rows((_, i) => ({ file: i % 2, from: null, to: null })),
      FPS,
    );
    expect(files.map(({ windows, frames }) => [windows.map(({ episode }) => episode), frames])).toEqual([
      [[0, 2], 128],
      [[1, 3], 137],
    ]);
  });
});

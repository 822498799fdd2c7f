import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ledgerLine } from '../../../test/support/evaluate.ts';
import { summariseLedger } from '../scores/index.ts';
import { layOutDots, stackScores } from './dots.ts';
import { type Series, scoreFigure } from './figure.ts';

const scores = fc.array(fc.oneof(fc.constantFrom(0, 1 / 3, 0.5, 1), fc.double({ min: 0, max: 1, noNaN: true })), {
  minLength: 1,
  maxLength: 300,
});

describe('dots', () => {
  it('each score has one place, and no two touch', () => {
    fc.assert(
      fc.property(scores, (all) => {
        const layout = layOutDots(all, 590, 60);
        if (layout.kind === 'bars') {
          expect(layout.bars.reduce((sum, bar) => sum + bar.members.length, 0)).toBe(all.length);
          return;
        }
        expect(layout.dots.map(({ index }) => index).sort((a, b) => a - b)).toEqual(all.map((_, i) => i));
        for (const a of layout.dots)
          for (const b of layout.dots)
            if (a !== b) expect(Math.hypot(a.x - b.x, a.up - b.up)).toBeGreaterThanOrEqual(layout.pitch - 1e-6);
        for (const { index, x, up } of layout.dots) {
          expect(Math.abs(x - (all[index] as number) * 590)).toBeLessThan(60 + 590 / 20);
          expect(up).toBeLessThan(layout.height);
        }
      }),
    );
  });

  it('fifty alike scores stay dots; a thousand become bars', () => {
    expect(layOutDots(new Array(50).fill(1), 590, 60)).toMatchObject({ kind: 'dots' });
    expect(layOutDots(new Array(1000).fill(1), 590, 60)).toMatchObject({ kind: 'bars', bars: [{ low: 1, high: 1 }] });
    expect(stackScores([0.1, 0.11, 0.9]).map(({ members }) => members)).toEqual([[0, 1], [2]]);
  });
});

describe('the score figure', () => {
  const series = (name: string, qs: readonly number[], task = 'turning_on_radio'): Series => {
    const lines = qs.map((q, instance) => ledgerLine({ task, q, instance, success: q === 1 }));
    return { name, lines, summary: summariseLedger(lines) };
  };
  /** The two drawings, for wide and narrow windows. */
  const drawings = (all: readonly Series[]) =>
    scoreFigure(all)
      .split('<svg ')
      .slice(1)
      .map((svg) => `<svg ${svg}`);
  const attribute = (markup: string, name: string) => Number(new RegExp(` ${name}="([^"]*)"`).exec(markup)?.[1]);
  const elements = (svg: string, pattern: RegExp) => svg.match(pattern) ?? [];

  it('every episode is a dot that plays, below the mean and its interval', () => {
    const qs = [...new Array(40).fill(1), ...new Array(8).fill(0.4), 0, 0];
    for (const svg of drawings([series('policy', qs), series('hold', [0, 0])])) {
      const plays = elements(svg, /<circle class="dot play"[^>]*>/g);
      expect(new Set(plays.map((dot) => /data-unit="([^"]*)"/.exec(dot)?.[1])).size).toBe(50);
      const mean = elements(svg, /<line class="mean"[^>]*>/g)[0] as string;
      for (const dot of plays)
        expect(attribute(dot, 'cy') - attribute(dot, 'r')).toBeGreaterThanOrEqual(attribute(mean, 'y2'));
      expect(plays.filter((dot) => dot.includes('tabindex="0"'))).toHaveLength(1);
      for (const dot of plays) expect(dot).toMatch(/aria-label="instance \d+: q [\d.]+ after 100 steps, (not )?done"/);
      const width = Number(/viewBox="0 0 (\d+)/.exec(svg)?.[1]);
      for (const dot of elements(svg, /<circle [^>]*>/g)) {
        expect(attribute(dot, 'cx') - attribute(dot, 'r')).toBeGreaterThanOrEqual(0);
        expect(attribute(dot, 'cx') + attribute(dot, 'r')).toBeLessThanOrEqual(width);
      }
    }
  });

  it('is drawn for a phone at its own size', () => {
    const [wide, narrow] = drawings([series('policy', [0, 1])]);
    expect(wide).toContain('class="figure wide" viewBox="0 0 860 ');
    expect(narrow).toContain('class="figure narrow" viewBox="0 0 330 ');
  });

  it('a thousand episodes are bars that list theirs', () => {
    const qs = Array.from({ length: 1000 }, (_, i) => (i % 3 === 0 ? 0 : 1));
    for (const svg of drawings([series('policy', qs)])) {
      const bars = elements(svg, /<rect class="bar play"[^>]*>/g);
      expect(bars.map((bar) => [attribute(bar, 'data-low'), attribute(bar, 'data-high')])).toEqual([
        [0, 0],
        [1, 1],
      ]);
      expect(bars[0]).toContain('334 episodes');
    }
  });

  it('a baseline without a task of the policy has an empty row', () => {
    const svg = scoreFigure([series('policy', [1]), series('hold', [0], 'another')]);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });
});

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ByteLevelBpe } from './byteLevelBpe.ts';

/** The pair of lowest rank, of equal ranks the leftmost, merged until none is left: the slow way. */
function slow(text: string, merges: readonly (readonly [string, string])[], vocab: readonly string[]): number[] {
  const symbols = [...text];
  for (;;) {
    let best: { rank: number; at: number } | undefined;
    for (let at = 0; at + 1 < symbols.length; at++) {
      const rank = merges.findIndex(([a, b]) => a === symbols[at] && b === symbols[at + 1]);
      if (rank >= 0 && (!best || rank < best.rank)) best = { rank, at };
    }
    if (!best) return symbols.map((symbol) => vocab.indexOf(symbol));
    symbols.splice(best.at, 2, symbols[best.at]! + symbols[best.at + 1]!);
  }
}

it('encodes with merges in any order, as files of other programs may have them', () => {
  const letters = fc.constantFrom('a', 'b');
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 1, maxLength: 12 }),
      fc.array(fc.nat(), { minLength: 12, maxLength: 12 }),
      fc.array(letters, { minLength: 1, maxLength: 200 }),
      (picks, keys, text) => {
        const vocab = ['a', 'b'];
        const made: [string, string][] = [];
        for (const [i, j] of picks) {
          const [left, right] = [vocab[i % vocab.length]!, vocab[j % vocab.length]!];
          if (left.length + right.length > 40 || vocab.includes(left + right)) continue;
          vocab.push(left + right);
          made.push([left, right]);
        }
        const merges = made.map((merge, i) => ({ merge, key: keys[i]! })).sort((x, y) => x.key - y.key);
        const order = merges.map(({ merge }) => merge);
        const bpe = new ByteLevelBpe({ vocab, merges: order, useRegex: false });
        const points = Int32Array.from(text, (letter) => letter.codePointAt(0)!);
        expect([...bpe.encode(points)]).toEqual(slow(text.join(''), order, vocab));
      },
    ),
    { numRuns: 400 },
  );
});

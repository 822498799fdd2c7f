import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { CHALLENGE_ROBOT } from '../../robot/index.ts';
import { fastChunk, fastColumns, fromFastChunk, parseColumns } from './actionColumns.ts';
import { trainBpe } from './bpeTrainer.ts';
import { ByteLevelBpe } from './byteLevelBpe.ts';
import { roundedCoefficients } from './coefficients.ts';
import { Dct, roundHalfEven } from './dct.ts';
import { FastTokenizer } from './fastTokenizer.ts';
import { FastFitter } from './fitter.ts';
import { splitPieces } from './split.ts';
import { WordCounter } from './wordCounter.ts';

const GOLDEN = join(import.meta.dirname, '../../../test/golden/fast');
const [T, D] = [12, 5];
let folder: string;
let fitted: FastTokenizer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'valet-fast-'));
  fitted = FastTokenizer.fit(waves(200), { horizon: T, width: D, vocabSize: 300 });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Chunks of slow waves and a little noise. */
function waves(count: number, size = 1): Float64Array[] {
  const random = Random.of('waves');
  return Array.from({ length: count }, () => {
    const [offset, phase] = [random.between(-0.7, 0.7), random.between(0, 6)];
    return Float64Array.from(
      { length: T * D },
      (_, i) => size * (offset + 0.3 * Math.sin(phase + (i % D) + Math.floor(i / D) / 4) + 0.02 * random.normal()),
    );
  });
}

const text = (points: ArrayLike<number>) => String.fromCodePoint(...Array.from(points));

describe('the transform', () => {
  it('is the sum that defines it, and its inverse undoes it', () => {
    for (const [steps, width] of [
      [1, 1],
      [2, 3],
      [7, 4],
      [16, 7],
      [30, 22],
    ] as const) {
      const chunk = Random.of(steps).fillNormal(new Float64Array(steps * width));
      const dct = new Dct(steps);
      const got = dct.forward(chunk, width, new Float64Array(steps * width));
      for (let k = 0; k < steps; k++)
        for (let d = 0; d < width; d++) {
          let sum = 0;
          for (let t = 0; t < steps; t++)
            sum += chunk[t * width + d]! * Math.cos((Math.PI * k * (2 * t + 1)) / (2 * steps));
          expect(got[k * width + d]).toBeCloseTo(sum * Math.sqrt((k === 0 ? 1 : 2) / steps), 12);
        }
      for (const [i, x] of dct.inverse(got, width).entries()) expect(x).toBeCloseTo(chunk[i]!, 12);
    }
  });

  it('of constant chunks rounds as SciPy does', () => {
    for (const [value, expected] of [
      [0.125, 2.5000000000000004],
      [0.375, 7.500000000000001],
      [-0.125, -2.5000000000000004],
      [0.625, 12.500000000000002],
    ] as const)
      expect(10 * new Dct(4).forward(Float64Array.of(value, value, value, value), 1, new Float64Array(4))[0]!).toBe(
        expected,
      );
  });

  it('of a single step in float32 rounds as SciPy does, whose float32 gives two numbers of five back a bit off', () => {
    const x = Float32Array.from({ length: 999 }, (_, i) => (i - 499) / 1000); // halves at scale 500
    const rounded = roundedCoefficients(x, 1, x.length, 500, new Int32Array(x.length));
    // numpy.around(scipy.fft.dct(x[None], axis=0, norm='ortho') * 500)
    expect(rounded.reduce((sum, c, i) => sum + c * (i + 1), 0)).toBe(41516358);
  });

  it('rounds halves to the even number', () => {
    expect([0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 2.4999999, 2.5000001, -7.7].map((x) => roundHalfEven(x) + 0)).toEqual([
      0, 2, 2, 0, -2, -2, 2, 3, -8,
    ]);
  });
});

describe('splitting', () => {
  // The pattern itself; JavaScript's \s is not Unicode's White_Space, so the classes are written out.
  const pattern =
    /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;
  it('is the pattern', () => {
    const point = fc.oneof(
      fc.constantFrom(...[..." '  \n\t'stmdrevll7Aa!\u0085\u00a0\ufeff\u3000"].map((c) => c.codePointAt(0)!)),
      fc.integer({ min: 0, max: 0x400 }),
      fc.integer({ min: 0x2000, max: 0x2fff }),
      fc.integer({ min: 0x10000, max: 0x10ffff }),
    );
    fc.assert(
      fc.property(fc.array(point, { maxLength: 40 }), (list) => {
        const points = Int32Array.from(list);
        const ends = new Int32Array(list.length);
        const count = splitPieces(points, list.length, ends);
        const got = Array.from({ length: count }, (_, i) =>
          text(points.subarray(i === 0 ? 0 : ends[i - 1]!, ends[i]!)),
        );
        expect(got).toEqual([...text(list).matchAll(pattern)].map(([piece]) => piece));
      }),
      { numRuns: 500 },
    );
  });
});

/** The trainer by its rules, slowly: words as arrays, everything counted in maps. */
function slowBpe(texts: readonly string[], vocabSize: number, alphabet: readonly string[], maxLength = 10000) {
  const words = new Map<string, number>();
  for (const each of texts)
    for (const piece of each.match(/\p{L}+|\p{N}+|[^\p{L}\p{N}]+/gu) ?? [])
      words.set(piece, (words.get(piece) ?? 0) + 1);
  const vocab = [...new Set([...alphabet, ...[...words.keys()].join('')])].sort(
    (a, b) => a.codePointAt(0)! - b.codePointAt(0)!,
  );
  const list = [...words].map(([word, count]) => ({ ids: [...word].map((c) => vocab.indexOf(c)), count }));
  const counts = new Map<string, number>();
  const add = (a: number, b: number, by: number) => counts.set(`${a},${b}`, (counts.get(`${a},${b}`) ?? 0) + by);
  let fresh = new Map<string, Set<number>>();
  const note = (a: number, b: number, w: number) =>
    fresh.set(`${a},${b}`, (fresh.get(`${a},${b}`) ?? new Set()).add(w));
  for (const [w, { ids, count }] of list.entries())
    for (let i = 0; i + 1 < ids.length; i++) {
      add(ids[i]!, ids[i + 1]!, count);
      note(ids[i]!, ids[i + 1]!, w);
    }
  const queue: { a: number; b: number; count: number; words: Set<number> }[] = [];
  const flush = () => {
    for (const [pair, where] of fresh) {
      const [a, b] = pair.split(',').map(Number) as [number, number];
      if (counts.get(pair)! > 0) queue.push({ a, b, count: counts.get(pair)!, words: where });
    }
    fresh = new Map();
  };
  flush();
  const merges: string[][] = [];
  while (vocab.length < vocabSize && queue.length > 0) {
    queue.sort((x, y) => y.count - x.count || x.a - y.a || x.b - y.b);
    const top = queue.shift()!;
    const now = counts.get(`${top.a},${top.b}`)!;
    if (now !== top.count) {
      queue.push({ ...top, count: now });
      continue;
    }
    if (now < 2) break;
    const { a, b } = top;
    const joined = vocab[a]! + vocab[b]!;
    if (!vocab.includes(joined)) vocab.push(joined);
    const id = vocab.indexOf(joined);
    merges.push([vocab[a]!, vocab[b]!]);
    for (const w of top.words) {
      const { ids, count } = list[w]!;
      for (let i = 0; i + 1 < ids.length; i++) {
        if (ids[i] !== a || ids[i + 1] !== b) continue;
        ids.splice(i, 2, id);
        const fits = (other: number) => vocab[other]!.length + joined.length < maxLength;
        if (i > 0) {
          add(ids[i - 1]!, a, -count);
          if (fits(ids[i - 1]!)) {
            add(ids[i - 1]!, id, count);
            note(ids[i - 1]!, id, w);
          }
        }
        if (i + 1 < ids.length) {
          add(b, ids[i + 1]!, -count);
          if (fits(ids[i + 1]!)) {
            add(id, ids[i + 1]!, count);
            note(id, ids[i + 1]!, w);
          }
        }
      }
    }
    flush();
  }
  const last = new Map(merges.map((pair, i) => [pair.join(' '), i]));
  return { vocab, merges: merges.filter((pair, i) => last.get(pair.join(' ')) === i) };
}

describe('fitting', () => {
  const corpus = fc.array(fc.string({ unit: fc.constantFrom(...'77776778ab!'), minLength: 1, maxLength: 30 }), {
    minLength: 1,
    maxLength: 20,
  });
  const count = (texts: readonly string[]) => {
    const words = new WordCounter();
    for (const each of texts) words.addText(Int32Array.from(each, (c) => c.codePointAt(0)!));
    return words;
  };

  it('follows the rules, with ties and symbols that come about twice', () => {
    fc.assert(
      fc.property(
        corpus,
        fc.integer({ min: 5, max: 60 }),
        fc.constantFrom(4, 6, 10000),
        (texts, vocabSize, maxTokenLength) => {
          const alphabet = ['!', '"', '7'];
          expect(trainBpe(count(texts), { vocabSize, alphabet, maxTokenLength })).toEqual(
            slowBpe(texts, vocabSize, alphabet, maxTokenLength),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  it('does not depend on the order of the strings', () => {
    fc.assert(
      fc.property(corpus, fc.nat(), (texts, seed) => {
        const other = Random.of(seed).shuffle([...texts]);
        expect(trainBpe(count(other), { vocabSize: 40 })).toEqual(trainBpe(count(texts), { vocabSize: 40 }));
      }),
      { numRuns: 50 },
    );
  });

  it('refuses what cannot be fitted', () => {
    const learn = (options: object, chunks = waves(3)) =>
      FastTokenizer.fit(chunks, { horizon: T, width: D, ...options });
    expect(() => learn({ vocabSize: 10 })).toThrow(/range is larger than the vocabulary .*Use a larger vocabulary/);
    expect(() => learn({}, [])).toThrow(/no chunk/);
    expect(() => learn({ scale: 0 })).toThrow(/scale must be above 0/);
    expect(() => learn({ width: 4 })).toThrow(/got 60 numbers, expected 12×4/);
    const fitter = new FastFitter({ horizon: T, width: D });
    expect(() => fitter.add(new Float64Array(T * D).fill(Number.NaN))).toThrow(/not finite \(got NaN at step 0/);
  });

  it('warns when the alphabet leaves no room, and still works far from zero', () => {
    const fitter = new FastFitter({ horizon: T, width: D, vocabSize: 150, scale: 10 });
    for (const chunk of waves(20)) fitter.add(chunk.map((x) => x + 3000));
    expect(() => fitter.finish()).toThrow(/range is larger/);
    const near = new FastFitter({ horizon: 1, width: D, vocabSize: 150, scale: 10 });
    for (const chunk of waves(20)) near.add(chunk.slice(0, D).map((x) => x + 5000));
    const { settings, warnings, bpe } = near.finish();
    expect(settings.minToken).toBeGreaterThan(40000);
    expect(warnings.length).toBe(0);
    const tokenizer = new FastTokenizer(settings, bpe);
    const chunk = waves(1)[0]!
      .slice(0, D)
      .map((x) => x + 5000);
    const back = tokenizer.decode(tokenizer.encode(chunk));
    expect(back.ok && back.chunk.every((x, i) => Math.abs(x - chunk[i]!) < 0.051)).toBe(true);
  });
});

describe('a chunk and its ids', () => {
  it('come back within the rounding of the coefficients', () => {
    const { minToken } = fitted.settings;
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -0.4, max: 0.4, noNaN: true }), { minLength: T * D, maxLength: T * D }),
        (values) => {
          const chunk = Float64Array.from(values);
          const { ids, unknown } = fitted.encodeChunk(chunk);
          expect(ids.every((id) => id >= 0 && id < fitted.size)).toBe(true);
          const decoded = fitted.decode(ids);
          if (unknown > 0 || fitted.coefficientsOf(chunk).some((c) => c < minToken)) return; // beyond what was fitted
          if (!decoded.ok) throw new Error(decoded.reason);
          // Orthonormal: the squares of the errors of a dimension add up to at most T·(0.5/scale)².
          for (let d = 0; d < D; d++) {
            let squares = 0;
            for (let t = 0; t < T; t++) squares += (decoded.chunk[t * D + d]! - chunk[t * D + d]!) ** 2;
            expect(Math.sqrt(squares)).toBeLessThanOrEqual((0.5 * Math.sqrt(T)) / 10 + 1e-9);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it('decode to an error value when ids are missing, unknown or padded', () => {
    const chunk = waves(1)[0]!;
    const ids = [...fitted.encode(chunk)];
    expect(fitted.decode(ids).ok).toBe(true);
    const failure = (list: number[], ...shape: number[]) => {
      const result = fitted.decode(list, ...shape);
      return result.ok ? 'ok' : `${result.code}: ${result.reason}`;
    };
    for (let n = 0; n < ids.length; n++)
      expect(failure(ids.slice(0, n))).toMatch(/^count: \d+ coefficients, \d+ too few/);
    expect(failure([...ids, 300])).toMatch(
      /^unknown-id: id 300 at position \d+ is not in the vocabulary \(ids below 300\)/,
    );
    expect(failure([-1])).toMatch(/^unknown-id/);
    expect(failure([1.5])).toMatch(/^unknown-id/);
    expect(failure([...ids, 0, 0, 0])).toMatch(
      /^count: .*The last 3 ids are 0: if they are padding, cut them off by the mask/,
    );
    expect(failure(ids, T, D + 2)).toMatch(/^count: 60 coefficients, 24 too few for 12×7 = 84, not whole rows of 7/);
    expect(failure([])).toMatch(/^count: 0 coefficients/);
    const original = fitted.decodeAsOriginal([...ids, 300, 0]);
    expect(original).toMatchObject({ failed: true, reason: 'cannot reshape array of size 61 into shape (5)' });
    expect(original.chunk.every((x) => x === 0)).toBe(true);
  });

  it('that the vocabulary cannot say are counted, and refused when they are no numbers', () => {
    const far = waves(1, 30)[0]!;
    const { ids, unknown } = fitted.encodeChunk(far);
    expect(unknown).toBeGreaterThan(0);
    expect(fitted.decode(ids).ok).toBe(false);
    expect(() => fitted.encode(far.map(() => 1e12))).toThrow(/coefficient is too large/);
    expect(() => fitted.encode(far.map(() => 1e5))).toThrow(/beyond what characters can say/);
    expect(() => fitted.encode(far.map((x, i) => (i === 7 ? Number.POSITIVE_INFINITY : x)))).toThrow(
      /got Infinity at step 1, dimension 2/,
    );
    expect(() => fitted.encode(far, T, D + 1)).toThrow(/expected 12×6/);
  });

  it('in batches are cut and padded', () => {
    const chunks = waves(6);
    const all = new Float64Array(6 * T * D);
    for (const [b, chunk] of chunks.entries()) all.set(chunk, b * T * D);
    const { tokens, mask, lengths, unknown } = fitted.encodeBatch(all, { maxTokens: 20, padId: 9 });
    for (const [b, chunk] of chunks.entries()) {
      const ids = [...fitted.encode(chunk)];
      expect(lengths[b]).toBe(ids.length);
      expect(unknown[b]).toBe(0);
      const kept = Math.min(20, ids.length);
      expect([...tokens.subarray(20 * b, 20 * (b + 1))]).toEqual(
        [...ids, ...new Array(20).fill(9)].slice(0, 20).map((id, i) => (i < kept ? id : 9)),
      );
      expect(mask.subarray(20 * b, 20 * (b + 1)).reduce((x, y) => x + y, 0)).toBe(kept);
    }
    expect(() => fitted.encodeBatch(all.subarray(1))).toThrow(/not whole chunks/);
  });
});

describe('files', () => {
  it('give the same tokenizer back', async () => {
    const dir = join(folder, 'saved');
    await fitted.save(dir);
    const back = await FastTokenizer.load(dir);
    expect(back.settings).toEqual(fitted.settings);
    for (const chunk of waves(30)) expect(back.encode(chunk)).toEqual(fitted.encode(chunk));
    expect(back.files()).toEqual(fitted.files());
  });

  it.each(['tokenizer_1024', 'tokenizer_256', 'tokenizer_wide'])(
    'of the original are written byte for byte: %s',
    async (name) => {
      const files = (await FastTokenizer.load(join(GOLDEN, name))).files();
      for (const [file, content] of Object.entries(files))
        expect(content).toBe(await readFile(join(GOLDEN, name, file), 'utf8'));
      expect(Object.keys(files).length).toBe(4);
    },
  );

  async function edited(edit: (file: { model: Record<string, unknown>; [key: string]: unknown }) => void) {
    const dir = join(folder, 'edited');
    await fitted.save(dir);
    const file = JSON.parse(await readFile(join(dir, 'tokenizer.json'), 'utf8'));
    edit(file);
    await writeFile(join(dir, 'tokenizer.json'), JSON.stringify(file));
    return FastTokenizer.load(dir);
  }

  it('of other versions are read: merges as text, added tokens, an unknown token', async () => {
    const chunk = waves(1)[0]!;
    const asText = await edited(
      ({ model }) => (model['merges'] = (model['merges'] as string[][]).map((pair) => pair.join(' '))),
    );
    expect(asText.encode(chunk)).toEqual(fitted.encode(chunk));
    const special = await edited((file) => (file['added_tokens'] = [{ id: 300, content: '<pad>', special: true }]));
    expect(special.size).toBe(301);
    expect(special.encode(chunk)).toEqual(fitted.encode(chunk));
    expect(special.decode([300])).toMatchObject({ ok: false, code: 'special-id' });
    expect([...new ByteLevelBpe(special.bpe).encode(Int32Array.from('!<pad>!', (c) => c.codePointAt(0)!))]).toEqual([
      33, 300, 33,
    ]);
  });

  it.each([
    [(f: { model: object }) => Object.assign(f.model, { type: 'WordPiece' }), /the model is WordPiece/],
    [(f: { model: object }) => Object.assign(f.model, { byte_fallback: true }), /uses byte_fallback/],
    [(f: object) => Object.assign(f, { normalizer: { type: 'NFC' } }), /has a normalizer/],
    [(f: object) => Object.assign(f, { pre_tokenizer: { type: 'Whitespace' } }), /the pre-tokenizer is Whitespace/],
    [
      (f: { model: object }) => Object.assign(f.model, { merges: [['7', 'nothing']] }),
      /merge 0 needs a symbol that the vocabulary lacks \("nothing"\)/,
    ],
    [(f: { model: { vocab: object } }) => Object.assign(f.model.vocab, { another: 5 }), /id 5 stands for two symbols/],
  ])('of other families are refused (%#)', async (edit, message) => {
    await expect(edited(edit as never)).rejects.toThrow(message);
  });

  it('that are not there say so', async () => {
    await expect(FastTokenizer.load(join(folder, 'nowhere'))).rejects.toThrow(/no such folder/);
  });
});

describe('columns of the action', () => {
  it('are clipped to the quantiles, scaled to [-1, 1], and come back', () => {
    const low = Float64Array.from({ length: 32 }, (_, d) => -0.1 - d / 100);
    const high = Float64Array.from({ length: 32 }, (_, d) => (d === 5 ? low[5]! : 0.2 + d / 50));
    const stats = { actions: { mean: low, std: low, q01: low, q99: high } };
    const delta = Random.of('delta').fillNormal(new Float64Array(4 * CHALLENGE_ROBOT.width));
    const chunk = fastChunk(delta, stats, CHALLENGE_ROBOT);
    expect(chunk.length).toBe(4 * 22);
    const columns = [0, 1, 2, 3, 4, 5, ...Array.from({ length: 16 }, (_, i) => 7 + i)];
    const back = fromFastChunk(chunk, stats, fastColumns(CHALLENGE_ROBOT));
    for (let t = 0; t < 4; t++)
      for (const [i, d] of columns.entries()) {
        const clipped = Math.min(Math.max(delta[t * 23 + d]!, low[d]!), high[d]!);
        expect(chunk[t * 22 + i]).toBeCloseTo((2 * (clipped - low[d]!)) / Math.max(high[d]! - low[d]!, 1e-6) - 1, 12);
        expect(back[t * 22 + i]).toBeCloseTo(clipped, 12);
      }
    expect(parseColumns('0:6, 7:23', CHALLENGE_ROBOT)).toEqual([
      [0, 6],
      [7, 23],
    ]);
    expect(() => parseColumns('3:2', CHALLENGE_ROBOT)).toThrow(/"3:2" is no range/);
    expect(() => parseColumns('0:24', CHALLENGE_ROBOT)).toThrow(/no range/);
  });
});

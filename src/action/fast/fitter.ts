import { InputError } from '../../base/index.ts';
import { trainBpe } from './bpeTrainer.ts';
import type { BpeDefinition } from './byteLevelBpe.ts';
import { roundedCoefficients } from './coefficients.ts';
import type { FastSettings } from './files.ts';
import { WordCounter } from './wordCounter.ts';

export interface FitOptions {
  /** Steps T and dimensions D of every chunk. */
  readonly horizon: number;
  readonly width: number;
  /** Factor of the coefficients before they are rounded: larger is finer and longer. 10 in the original. */
  readonly scale?: number;
  readonly vocabSize?: number;
  /** A pair is merged when it occurs at least so often; 2 in the original. */
  readonly minFrequency?: number;
  /** 10,000 in the original. */
  readonly maxTokenLength?: number;
  /** Told now and then what is going on, 0…1 of the training. */
  readonly progress?: (part: number) => void;
}

export interface FittedVocabulary {
  readonly settings: FastSettings;
  readonly bpe: BpeDefinition;
  readonly chunks: number;
  /** Largest coefficient; the smallest is `settings.minToken`. */
  readonly maxToken: number;
  /** Distinct pieces that were trained on. */
  readonly pieces: number;
  readonly warnings: readonly string[];
}

const BLOCK = 1 << 20;
/** From here on code points are no characters. */
const FIRST_SURROGATE = 0xd800;

/**
 * Collects chunks one by one (two bytes per number) and learns a vocabulary from them; the order of the chunks does
 * not matter.
 */
export class FastFitter {
  private readonly blocks: { data: Int16Array | Int32Array; used: number }[] = [];
  private readonly coefficients: Int32Array;
  private low = Infinity;
  private high = -Infinity;
  chunks = 0;

  /** @throws InputError for sizes or a scale that make no sense */
  constructor(readonly options: FitOptions) {
    const { horizon, width, scale = 10, vocabSize = 1024 } = options;
    for (const [name, value] of Object.entries({ horizon, width, vocabSize }))
      if (!Number.isInteger(value) || value < 1)
        throw new InputError('FastFitter', `${name} must be a whole number above 0 (got ${value}).`);
    if (!(scale > 0 && Number.isFinite(scale)))
      throw new InputError('FastFitter', `scale must be above 0 (got ${scale}).`);
    this.coefficients = new Int32Array(horizon * width);
  }

  /** Adds a chunk [T, D]. @throws InputError when it has another size or numbers that are not finite */
  add(chunk: Float32Array | Float64Array): void {
    const { horizon, width, scale = 10 } = this.options;
    const { coefficients } = this;
    roundedCoefficients(chunk, horizon, width, scale, coefficients);
    let [low, high] = [coefficients[0]!, coefficients[0]!];
    for (let i = 1; i < coefficients.length; i++) {
      const c = coefficients[i]!;
      if (c < low) low = c;
      if (c > high) high = c;
    }
    this.low = Math.min(this.low, low);
    this.high = Math.max(this.high, high);
    const wide = low < -32768 || high > 32767;
    let block = this.blocks.at(-1);
    if (!block || block.used + coefficients.length > block.data.length || (wide && block.data instanceof Int16Array)) {
      const length = Math.max(BLOCK, coefficients.length);
      block = { data: wide ? new Int32Array(length) : new Int16Array(length), used: 0 };
      this.blocks.push(block);
    }
    block.data.set(coefficients, block.used);
    block.used += coefficients.length;
    this.chunks++;
  }

  /**
   * Learns the vocabulary. @throws InputError when there is no chunk, or the coefficients' range is larger than the
   * vocabulary
   */
  finish(): FittedVocabulary {
    const { horizon, width, scale = 10, vocabSize = 1024, progress } = this.options;
    if (this.chunks === 0) throw new InputError('FastFitter', 'there is no chunk to fit to.');
    const range = this.high - this.low;
    if (range > vocabSize)
      throw new InputError(
        'FastFitter',
        `the coefficients' range is larger than the vocabulary (${this.low} to ${this.high}, vocabulary ` +
          `${vocabSize}). Use a larger vocabulary or a smaller scale.`,
      );
    if (range >= FIRST_SURROGATE)
      throw new InputError(
        'FastFitter',
        `the coefficients' range is wider than characters allow (${this.low} to ${this.high}, at most ` +
          `${FIRST_SURROGATE} values). Use a smaller scale.`,
      );
    const warnings =
      range + 100 > vocabSize
        ? [
            `the coefficients take ${range + 1} of ${vocabSize} symbols, which leaves little for merges. Use ` +
              'a larger vocabulary or a smaller scale.',
          ]
        : [];
    const words = new WordCounter();
    const symbols = new Int32Array(horizon * width);
    let done = 0;
    for (const { data, used } of this.blocks)
      for (let at = 0; at < used; at += symbols.length) {
        for (let i = 0; i < symbols.length; i++) symbols[i] = data[at + i]! - this.low;
        words.addText(symbols);
        if (++done % 1000 === 0) progress?.((0.3 * done) / this.chunks);
      }
    const alphabet = Array.from({ length: range + 1 }, (_, i) => String.fromCodePoint(i));
    let told = 0;
    const trained = trainBpe(words, {
      vocabSize,
      minFrequency: this.options.minFrequency ?? 2,
      maxTokenLength: this.options.maxTokenLength ?? 10000,
      alphabet,
      progress: (size) => {
        if (progress && size >= told + vocabSize / 100) progress(0.3 + (0.7 * (told = size)) / vocabSize);
      },
    });
    return {
      settings: { scale, vocabSize, minToken: this.low, horizon, width },
      bpe: { ...trained, addPrefixSpace: false, useRegex: true },
      chunks: this.chunks,
      maxToken: this.high,
      pieces: words.size,
      warnings,
    };
  }
}

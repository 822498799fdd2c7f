import { join } from 'node:path';
import { InputError, writeFileAside } from '../../base/index.ts';
import { codePointsOf, utf8Length } from './byteLevel.ts';
import { type BpeDefinition, ByteLevelBpe } from './byteLevelBpe.ts';
import { roundedCoefficients } from './coefficients.ts';
import { dctOf } from './dct.ts';
import { type FastMetadata, type FastSettings, fastFiles, readFastFolder } from './files.ts';
import { FastFitter, type FitOptions } from './fitter.ts';

/** Steps T and dimensions D of a chunk. */
export interface TokenizedShape {
  readonly horizon: number;
  readonly width: number;
}

export type DecodeFailure = 'unknown-id' | 'special-id' | 'bytes' | 'count';

/** A decoded chunk [T, D], or why there is none. */
export type Decoded =
  | { readonly ok: true; readonly chunk: Float64Array; readonly horizon: number; readonly width: number }
  | { readonly ok: false; readonly code: DecodeFailure; readonly reason: string };

/** What the original makes of ids: zeros when they do not fit. */
export interface DecodedAsOriginal {
  readonly chunk: Float64Array;
  readonly failed: boolean;
  /** In the original's words. */
  readonly reason: string | undefined;
  /** The text between ids and coefficients. */
  readonly codePoints: Int32Array;
}

export interface EncodedChunk {
  readonly ids: Int32Array;
  /**
   * Bytes for which the vocabulary has no symbol. They are left out, so that the ids decode to too few numbers: the
   * chunk goes beyond what was fitted.
   */
  readonly unknown: number;
}

/** Rows of ids for training. */
export interface EncodedBatch {
  /** [B, maxTokens] ids, then `padId`. */
  readonly tokens: Int32Array;
  /** [B, maxTokens] 1 where an id stands. */
  readonly mask: Uint8Array;
  /** [B] ids before cutting: more than maxTokens where a row was cut. Such a row decodes to an error. */
  readonly lengths: Int32Array;
  /** [B] as `EncodedChunk.unknown`. */
  readonly unknown: Int32Array;
}

/** Ids per row and the id after the last, in the original's training. */
export const FAST_MAX_TOKENS = 200;
const FAST_PAD_ID = 0;

/** FAST action tokens: a chunk's rounded DCT coefficients as text, and byte-level BPE over it. */
export class FastTokenizer {
  private readonly model: ByteLevelBpe;
  private coefficients = new Int32Array(0);

  constructor(
    readonly settings: FastSettings,
    readonly bpe: BpeDefinition,
    readonly metadata?: FastMetadata,
  ) {
    this.model = new ByteLevelBpe(bpe);
  }

  /** Reads a folder that Valet or the original wrote. @throws InputError */
  static async load(dir: string): Promise<FastTokenizer> {
    const { settings, bpe, metadata } = await readFastFolder(dir);
    return new FastTokenizer(settings, bpe, metadata);
  }

  /** Learns a vocabulary from chunks [T, D]; `FastFitter` takes them one by one. */
  static fit(chunks: Iterable<Float32Array | Float64Array>, options: FitOptions): FastTokenizer {
    const fitter = new FastFitter(options);
    for (const chunk of chunks) fitter.add(chunk);
    const { settings, bpe } = fitter.finish();
    return new FastTokenizer(settings, bpe);
  }

  /** Writes the folder in the original's form, which `transformers` loads. */
  async save(dir: string): Promise<void> {
    for (const [name, text] of Object.entries(this.files())) await writeFileAside(join(dir, name), text);
  }

  /** The same files by name, for a checkpoint's assets. */
  files(): Record<string, string> {
    return fastFiles(this.settings, this.bpe, this.metadata);
  }

  /** Ids lie in [0, size): the rows that an embedding of them needs. */
  get size(): number {
    return this.model.size;
  }

  /** Ids of a chunk [T, D]. @throws InputError when its size differs or a number is not finite */
  encode(chunk: Float32Array | Float64Array, horizon?: number, width?: number): Int32Array {
    return this.encodeChunk(chunk, horizon, width).ids;
  }

  /** The same with the number of bytes that the vocabulary lacks. */
  encodeChunk(chunk: Float32Array | Float64Array, horizon?: number, width?: number): EncodedChunk {
    return { ids: this.idsOf(chunk, this.shape(horizon, width)).slice(), unknown: this.model.unknown };
  }

  /** Rounded coefficients [T, D] of a chunk, before `minToken` is taken off. */
  coefficientsOf(chunk: Float32Array | Float64Array, horizon?: number, width?: number): Int32Array {
    const shape = this.shape(horizon, width);
    const out = new Int32Array(shape.horizon * shape.width);
    return roundedCoefficients(chunk, shape.horizon, shape.width, this.settings.scale, out);
  }

  private idsOf(chunk: Float32Array | Float64Array, { horizon, width }: TokenizedShape): Int32Array {
    const size = horizon * width;
    if (this.coefficients.length !== size) this.coefficients = new Int32Array(size);
    const { coefficients } = this;
    const { scale, minToken } = this.settings;
    roundedCoefficients(chunk, horizon, width, scale, coefficients);
    for (let i = 0; i < size; i++) {
      const symbol = coefficients[i]! - minToken;
      coefficients[i] = symbol > 0 ? symbol : 0;
      if (symbol >= 0xd800 && utf8Length(symbol) === undefined)
        throw new InputError(
          'FastTokenizer.encode',
          `a coefficient is beyond what characters can say (got ${symbol + minToken} at frequency ` +
            `${Math.floor(i / width)}, dimension ${i % width}). Normalise the chunk first.`,
        );
    }
    return this.model.encode(coefficients, size);
  }

  /**
   * Rows of `maxTokens` ids of chunks [B, T, D]: longer ones are cut, shorter ones filled with `padId`, as for the
   * original's training.
   */
  encodeBatch(
    chunks: Float32Array | Float64Array,
    options: Partial<TokenizedShape> & { readonly maxTokens?: number; readonly padId?: number } = {},
  ): EncodedBatch {
    const { maxTokens = FAST_MAX_TOKENS, padId = FAST_PAD_ID } = options;
    const shape = this.shape(options.horizon, options.width);
    const size = shape.horizon * shape.width;
    const rows = chunks.length / size;
    if (!Number.isInteger(rows))
      throw new InputError(
        'FastTokenizer.encodeBatch',
        `not whole chunks (got ${chunks.length} numbers, expected a multiple of ${shape.horizon}×${shape.width}).`,
      );
    const out = {
      tokens: new Int32Array(rows * maxTokens).fill(padId),
      mask: new Uint8Array(rows * maxTokens),
      lengths: new Int32Array(rows),
      unknown: new Int32Array(rows),
    };
    for (let b = 0; b < rows; b++) {
      const ids = this.idsOf(chunks.subarray(b * size, (b + 1) * size), shape);
      const kept = Math.min(ids.length, maxTokens);
      out.tokens.set(ids.subarray(0, kept), b * maxTokens);
      out.mask.fill(1, b * maxTokens, b * maxTokens + kept);
      out.lengths[b] = ids.length;
      out.unknown[b] = this.model.unknown;
    }
    return out;
  }

  /**
   * The chunk [T, D] of ids, or the reason why they are none. Never zeros in its place: for those see
   * `decodeAsOriginal`.
   */
  decode(ids: ArrayLike<number>, horizon?: number, width?: number): Decoded {
    const shape = this.shape(horizon, width);
    const wrong = (code: DecodeFailure, reason: string): Decoded => ({ ok: false, code, reason });
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]!;
      if (this.model.bytesOf(id) === undefined)
        return wrong('unknown-id', `id ${id} at position ${i} is not in the vocabulary (ids below ${this.size}).`);
      const special = this.model.specialOf(id);
      if (special !== undefined)
        return wrong(
          'special-id',
          `id ${id} at position ${i} is the special token ${JSON.stringify(special)}, no action.`,
        );
    }
    const points = codePointsOf(this.bytesOf(ids), true);
    if (!points)
      return wrong('bytes', 'the ids put bytes together that are no UTF-8, so that they say no coefficients.');
    const expected = shape.horizon * shape.width;
    if (points.length === expected) return { ok: true, chunk: this.chunkOf(points, shape), ...shape };
    const difference =
      points.length < expected ? `${expected - points.length} too few` : `${points.length - expected} too many`;
    const rows = points.length % shape.width === 0 ? '' : `, not whole rows of ${shape.width}`;
    let padding = 0;
    while (padding < ids.length && ids[ids.length - 1 - padding] === FAST_PAD_ID) padding++;
    const hint =
      padding > 1
        ? ` The last ${padding} ids are ${FAST_PAD_ID}: if they are padding, cut them off by the mask.`
        : points.length < expected
          ? ' A row that was cut at its greatest length ends so.'
          : '';
    return wrong(
      'count',
      `${points.length} coefficients, ${difference} for ${shape.horizon}×${shape.width} = ${expected}${rows}.${hint}`,
    );
  }

  /**
   * What the original returns: ids beyond the vocabulary are passed over, bytes that are no UTF-8 become U+FFFD, and
   * when the number of coefficients does
   * not fit, a chunk of zeros.
   */
  decodeAsOriginal(ids: ArrayLike<number>, horizon?: number, width?: number): DecodedAsOriginal {
    const shape = this.shape(horizon, width);
    const codePoints = codePointsOf(this.bytesOf(ids))!;
    const { horizon: T, width: D } = shape;
    if (codePoints.length === T * D)
      return { chunk: this.chunkOf(codePoints, shape), failed: false, reason: undefined, codePoints };
    const reason =
      codePoints.length % D !== 0
        ? `cannot reshape array of size ${codePoints.length} into shape (${D})`
        : `Decoded DCT coefficients have shape (${codePoints.length / D}, ${D}), expected (${T}, ${D})`;
    return { chunk: new Float64Array(T * D), failed: true, reason, codePoints };
  }

  private bytesOf(ids: ArrayLike<number>): Uint8Array {
    let size = 0;
    for (let i = 0; i < ids.length; i++) size += this.model.bytesOf(ids[i]!)?.length ?? 0;
    const out = new Uint8Array(size);
    let at = 0;
    for (let i = 0; i < ids.length; i++) {
      const bytes = this.model.bytesOf(ids[i]!);
      if (bytes) for (let k = 0; k < bytes.length; k++) out[at++] = bytes[k]!;
    }
    return out;
  }

  private chunkOf(points: Int32Array, { horizon, width }: TokenizedShape): Float64Array {
    const { scale, minToken } = this.settings;
    const coefficients = new Float64Array(points.length);
    for (let i = 0; i < points.length; i++) coefficients[i] = (points[i]! + minToken) / scale;
    return dctOf(horizon).inverse(coefficients, width);
  }

  private shape(horizon = this.settings.horizon, width = this.settings.width): TokenizedShape {
    if (horizon === undefined || width === undefined)
      throw new InputError('FastTokenizer', "the folder does not say the chunk's horizon and width. Give both.");
    if (!Number.isInteger(horizon) || !Number.isInteger(width) || horizon < 1 || width < 1)
      throw new InputError(
        'FastTokenizer',
        `horizon and width must be whole numbers above 0 (got ${horizon}×${width}).`,
      );
    return { horizon, width };
  }
}

/** The piece of the optimiser's state that is held here: the `rank`-th of `size` equal ones. */
export interface AdamwShare {
  readonly rank: number;
  readonly size: number;
}

/** All leaves one after the other, with gaps of zeros between them. */
export interface AdamwArrays {
  /** [length] */
  readonly parameters: Float32Array;
  readonly gradients: Float32Array;
  /** [length / size], the piece that is held here. */
  readonly m: Float32Array;
  readonly v: Float32Array;
  readonly ema: Float32Array;
  /** [length / size], the gradients that the piece is updated by; with a size of 1 `gradients` itself. */
  readonly summed: Float32Array;
}

/** What assembly/adamw.ts calls by these names; `emaDecay` is undefined where the average is left alone. */
export interface AdamwConstants {
  readonly beta1: number;
  readonly beta2: number;
  readonly rate: number;
  readonly root: number;
  readonly keep: number;
  readonly epsilon: number;
  readonly clip: number;
  readonly emaDecay: number | undefined;
}

/** Some of the leaves, updated together. */
export interface AdamwPart {
  readonly arrays: AdamwArrays;
  /** Where each leaf begins in `parameters`, and how many numbers it has. */
  readonly leaves: readonly { readonly from: number; readonly length: number }[];
  /** Adds the squares of `summed` to `sums` [4]: that of element i of a leaf to sum i modulo 4. */
  addSquares(sums: Float64Array): void;
  /** One update of the piece. */
  update(constants: AdamwConstants): void;
}

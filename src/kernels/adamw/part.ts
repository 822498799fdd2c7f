/** The arrays of one leaf, all of its length. */
export interface AdamwLeaf {
  readonly parameters: Float32Array;
  readonly gradients: Float32Array;
  readonly m: Float32Array;
  readonly v: Float32Array;
  readonly ema: Float32Array;
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
  readonly leaves: readonly AdamwLeaf[];
  /** Adds the squares of the gradients to `sums` [4]: that of element i of a leaf to sum i modulo 4. */
  addSquares(sums: Float64Array): void;
  /** One update of all leaves. */
  update(constants: AdamwConstants): void;
}

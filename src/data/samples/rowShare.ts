/** Which rows of a batch are wanted: every `size`-th, from `rank` on. */
export interface RowShare {
  readonly rank: number;
  readonly size: number;
}

export const WHOLE_BATCH: RowShare = { rank: 0, size: 1 };

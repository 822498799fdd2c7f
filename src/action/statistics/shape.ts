/** What chunks a data set is cut into. */
export interface ChunkShape {
  /** Actions per chunk. */
  readonly horizon: number;
  /** [D] true where a chunk is relative to the state at its start. */
  readonly relative: readonly boolean[];
}

/** One episode by columns: `actions` and `states` float32 [D, length]. */
export interface EpisodeColumns {
  readonly length: number;
  readonly actions: Float32Array;
  readonly states: Float32Array;
}

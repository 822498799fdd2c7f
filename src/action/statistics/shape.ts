/** What chunks a data set is cut into. */
export interface ChunkShape {
  /** Actions per chunk. */
  readonly horizon: number;
  /** [D] true where a chunk is relative to the state at its start. */
  readonly relative: readonly boolean[];
}

/** One episode, row by row: `actions` and `states` float32 [length, columns] as `RowLayout` orders them. */
export interface EpisodeRows {
  readonly length: number;
  readonly actions: Float32Array;
  readonly states: Float32Array;
}

/**
 * How the numbers of a frame lie in memory: relative dimensions first, then the others, then zeros up to a multiple
 * of 8.
 */
export class RowLayout {
  /** Dimensions, and those of them that are relative. */
  readonly d: number;
  readonly e: number;
  readonly columns: number;
  /** [d] the dimension of each column, and the column of each dimension. */
  readonly order: Int32Array;
  readonly position: Int32Array;

  constructor({ relative }: ChunkShape) {
    this.d = relative.length;
    this.e = relative.filter((is) => is).length;
    this.columns = 8 * Math.ceil(this.d / 8);
    const all = [...relative.keys()];
    this.order = Int32Array.from([...all.filter((dim) => relative[dim]), ...all.filter((dim) => !relative[dim])]);
    this.position = new Int32Array(this.d);
    this.order.forEach((dim, column) => {
      this.position[dim] = column;
    });
  }
}

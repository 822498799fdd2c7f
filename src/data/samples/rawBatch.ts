/** Training samples before any normalisation. */
export interface RawBatch {
  readonly size: number;
  /** uint8 [B, cameras, S, S, 3], cameras in the robot's order. */
  readonly pictures: Uint8Array;
  /** [B, width] at the chunk's first frame. */
  readonly state: Float32Array;
  /** [B, horizon, width], absolute. */
  readonly actions: Float32Array;
  readonly taskId: Int32Array;
  readonly stage: Int32Array;
  /** [B, K]: privileged observation at the chunk's first frame, padded with zeros to the widest task's K. */
  readonly taskInfo: Float32Array;
  /** Where each sample is from: number of the folder, episode_index, frame. */
  readonly source: { readonly folder: Int32Array; readonly episode: Int32Array; readonly frame: Int32Array };
}

/** A batch that is to be filled. */
export function emptyBatch({
  size,
  sampleBytes,
  width,
  horizon,
  taskInfoSize,
}: {
  readonly size: number;
  /** Of the pictures of a sample. */
  readonly sampleBytes: number;
  readonly width: number;
  readonly horizon: number;
  readonly taskInfoSize: number;
}): RawBatch {
  return {
    size,
    pictures: new Uint8Array(size * sampleBytes),
    state: new Float32Array(size * width),
    actions: new Float32Array(size * horizon * width),
    taskId: new Int32Array(size),
    stage: new Int32Array(size),
    taskInfo: new Float32Array(size * taskInfoSize),
    source: { folder: new Int32Array(size), episode: new Int32Array(size), frame: new Int32Array(size) },
  };
}

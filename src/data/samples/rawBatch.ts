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

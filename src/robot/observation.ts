/**
 * A picture, rows from the top: `data` is uint8 [height, width, channels], channels 3 (RGB) or 4 (RGBA, alpha ignored).
 */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
  readonly data: Uint8Array;
}

/** Pictures by the names of the robot's cameras. */
export type Pictures = Readonly<Record<string, Picture>>;

/** What the robot senses in one control step, as it stands before any normalisation. */
export interface Observation {
  /** As long as one of the robot's layouts. */
  readonly proprioception: Float32Array;
  readonly pictures: Pictures;
  /** A task of the checkpoint's table, or -1 when the evaluator did not say. */
  readonly taskId: number;
}

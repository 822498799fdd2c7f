/** The three cameras in the network's order. Data sets call them so; the network's names are base_0_rgb, left_wrist_0_rgb, right_wrist_0_rgb. */
export const CAMERAS = ['head', 'left_wrist', 'right_wrist'] as const;
export type CameraName = (typeof CAMERAS)[number];

/** A picture, rows from the top: `data` is uint8 [height, width, channels], channels 3 (RGB) or 4 (RGBA, alpha ignored). */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
  readonly data: Uint8Array;
}

/** What the robot senses in one control step (30 Hz), as it stands before any normalisation. */
export interface Observation {
  /** 256 numbers (2025) or 61 (2026); FACTS 2.3. */
  readonly proprioception: Float32Array;
  readonly pictures: Readonly<Record<CameraName, Picture>>;
  /** 0…49 (more where the checkpoint knows more), or -1 when the evaluator did not say. */
  readonly taskId: number;
}

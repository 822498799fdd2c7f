/** What became of an episode that a policy played, frame by frame. */
export interface EpisodeOutcome {
  /** [T] what the action of the frame gained of the score q: their sum is q at the end, less q at the start. */
  readonly rewards: Float32Array;
  /** Whether the goal was reached, with the last action. */
  readonly success: boolean;
  /** [T] each: what the policy's heads said when the plan was made that the action is of, where it has heads. */
  readonly predictedSuccess?: Float32Array;
  readonly predictedProgress?: Float32Array;
}

/** One demonstration, as it leaves the robot: T frames at the robot's rate. */
export interface EpisodeRecord {
  /** Its number in the data set; `DatasetWriter.nextIndex` gives one. */
  readonly episodeIndex: number;
  readonly taskIndex: number;
  readonly taskName: string;
  /** The task as an English sentence. */
  readonly instruction: string;
  /** Which instance of the task was played. */
  readonly instance: number;
  readonly trajectory?: number;
  /** Proprioception [T, S], S one of the lengths of the robot's layouts. */
  readonly state: Float32Array;
  /** Absolute actions [T, robot.width]. */
  readonly action: Float32Array;
  /**
   * Cameras relative to the robot's base [T, 7 · cameras]: each position and quaternion (xyzw), in the data set's
   * own order.
   */
  readonly cameraPoses?: Float32Array;
  /** Privileged observation [T, K] and the names of its K numbers; neither or both. */
  readonly taskInfo?: Float32Array;
  readonly taskInfoKeys?: readonly string[];
  /** Per camera of the robot T pictures, each uint8 [H, W, 3]. */
  readonly pictures: Readonly<Record<string, readonly Uint8Array[]>>;
  /** Annotated skills, frames [start, end). */
  readonly skills: readonly { readonly name: string; readonly start: number; readonly end: number }[];
  /** Stage per frame [T], from 0. */
  readonly stages?: Uint16Array;
  /** Of an episode that a policy played. */
  readonly outcome?: EpisodeOutcome;
  /**
   * Anything else worth keeping (JSON). `clip` says that the episode is a window of a longer demonstration, in its
   * frames.
   */
  readonly meta?: Readonly<Record<string, unknown>> & {
    readonly clip?: { readonly start: number; readonly fullLength: number };
  };
}

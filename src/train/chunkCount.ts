/** Chunks of `horizon` actions that an episode of `length` frames has: one begins at each frame but the last ones. */
export const chunkCount = (length: number, horizon: number): number => Math.max(0, length - horizon + 1);

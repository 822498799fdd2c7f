/** A chunk of actions as one object: layout of the 23 numbers, delta, normalisation, correlation, noise, inpainting, compression. */
export * from './chunkStatistics.ts';
export * from './compression.ts';
export * from './fast/index.ts';
export * from './inpaint.ts';
export * from './linear.ts';
export * from './noise.ts';
export * from './normStats.ts';
export * from './observation.ts';
export * from './picture.ts';
export * from './pictureModel.ts';
export * from './proprioception.ts';
export * from './space.ts';
export * from './spline.ts';
export type { FrameSource } from './statistics/exactQuantiles.ts';
export type { TailBounds, Tails } from './statistics/tails.ts';
export * from './statistics.ts';
export * from './tasks.ts';
export * from './transforms.ts';

/** A chunk of actions as one object: layout of the 23 numbers, delta, normalisation, correlation, noise, inpainting, compression. */
export * from './observation.ts';
export * from './proprioception.ts';
export * from './space.ts';
export * from './tasks.ts';

/** Pictures: resized as Pillow does it, jittered, laid out in sheets. */
export { type Jitter, PictureJitter } from './jitter.ts';
export { resizeFloatForModel, resizeForModel } from './resizeForModel.ts';
export { PIXEL_TO_FLOAT, resizeWithPad } from './resizeWithPad.ts';

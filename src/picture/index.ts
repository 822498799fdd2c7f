/** Pictures: resized as Pillow does it, JPEG files opened, augmented for training, laid out in sheets, with words. */
export { PictureAugmenter, type PictureChanges } from './augmenter.ts';
export { PictureJitter } from './jitter.ts';
export {
  decodeJpeg,
  decodePictures,
  encodedJpeg,
  isEncoded,
  isJpeg,
  type JpegLimits,
  LARGEST_SIDE,
} from './jpeg.ts';
export { paste } from './paste.ts';
export { pixelText, type TextPicture } from './pixelText.ts';
export { resizeFloatForModel, resizeForModel } from './resizeForModel.ts';
export { PIXEL_TO_FLOAT, resizeWithPad } from './resizeWithPad.ts';

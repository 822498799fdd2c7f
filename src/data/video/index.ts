export { checkVideo } from './codecReport.ts';
export {
  decodeFrames,
  encodeVideo,
  probeVideo,
  readFrames,
  VIDEO_CODEC,
  VIDEO_DEFAULTS,
  type VideoOptions,
} from './video.ts';

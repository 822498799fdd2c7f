export { checkVideo } from './codecReport.ts';
export {
  decodeFrames,
  encodeVideo,
  probeVideo,
  readFrames,
  VIDEO_CODEC,
  VIDEO_DEFAULTS,
  VideoError,
  type VideoOptions,
} from './video.ts';

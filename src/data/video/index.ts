export { checkVideo } from './codecReport.ts';
export {
  type EncodedCodec,
  encodeVideo,
  type VideoSettings,
  VideoWriter,
  videoCodec,
  writeFilm,
} from './encodeVideo.ts';
export { InseparableError, joinVideos, videoForm } from './joinVideos.ts';
export { keyFrameGap } from './keyFrameGap.ts';
export { probeVideo } from './probeVideo.ts';
export { decodeFrames, readFrames } from './readFrames.ts';
export { VideoError } from './videoError.ts';
export type { FrameSink } from './videoReader.ts';

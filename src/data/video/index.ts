export { checkVideo } from './codecReport.ts';
export { encodeVideo, VIDEO_CODEC, type VideoSettings, VideoWriter } from './encodeVideo.ts';
export { InseparableError, joinVideos, videoForm } from './joinVideos.ts';
export { keyFrameGap } from './keyFrameGap.ts';
export { probeVideo } from './probeVideo.ts';
export { decodeFrames, readFrames } from './readFrames.ts';
export { VideoError } from './videoError.ts';
export type { FrameSink } from './videoReader.ts';

import { AV_NOPTS_VALUE, AVMEDIA_TYPE_VIDEO, AVSEEK_FLAG_BACKWARD } from 'node-av/constants';
import { FormatContext, Packet, Rational, type Stream } from 'node-av/lib';
import { check, VideoError } from './videoError.ts';

/** Some frames of a video file: `frames` from the time `startSeconds` on. */
export interface VideoPiece {
  readonly path: string;
  readonly startSeconds: number;
  readonly frames: number;
}

/** A piece cannot be had without decoding: it does not begin with a key frame, or its frames need others. */
export class InseparableError extends VideoError {
  override name = 'InseparableError';
}

/**
 * Writes pieces of videos one after the other as one mp4, without decoding: the frames keep their bytes. Frame k of all
 * has time k/fps.
 * @throws InseparableError when a piece cannot be cut out so; VideoError when the pieces are of other codecs, or a
 * frame is missing
 */
export function joinVideos(path: string, pieces: readonly VideoPiece[], fps: number): void {
  const [first] = pieces;
  if (!first) throw new VideoError(path, 'there is nothing to join.');
  const output = new FormatContext();
  const packet = new Packet();
  try {
    packet.alloc();
    check(path, output.allocOutputContext2(null, 'mp4', path), 'creating the file');
    let stream: Stream | undefined;
    let before = 0;
    for (const piece of pieces) {
      const input = new FormatContext();
      check(piece.path, input.openInputSync(piece.path), 'opening the video');
      try {
        const from = videoStream(input, piece.path);
        if (stream) requireLike(first.path, stream, piece.path, from);
        else stream = begun(output, path, from);
        append(input, from, output, stream, packet, piece, { before, fps });
      } finally {
        input.closeInputSync();
      }
      before += piece.frames;
    }
    check(path, output.writeTrailerSync(), 'finishing the file');
  } finally {
    output.closeOutputSync();
    output.freeContext();
    packet.free();
  }
}

/** What must be equal for two videos to be joined: codec, size, and the codec's own header. */
export function videoForm(path: string): string {
  const input = new FormatContext();
  check(path, input.openInputSync(path), 'opening the video');
  try {
    return formOf(videoStream(input, path));
  } finally {
    input.closeInputSync();
  }
}

const formOf = ({ codecpar: { codecId, width, height, format, extradata } }: Stream): string =>
  [codecId, width, height, format, extradata?.toString('hex') ?? ''].join(' ');

function requireLike(firstPath: string, first: Stream, path: string, stream: Stream): void {
  if (formOf(first) !== formOf(stream))
    throw new VideoError(path, `is of another codec, size or header than ${firstPath}. They cannot be joined.`);
}

function videoStream(input: FormatContext, path: string): Stream {
  const stream = input.streams.find(({ codecpar }) => codecpar.codecType === AVMEDIA_TYPE_VIDEO);
  if (!stream) throw new VideoError(path, 'holds no video stream.');
  return stream;
}

function begun(output: FormatContext, path: string, from: Stream): Stream {
  const stream = output.newStream(null);
  check(path, from.codecpar.copy(stream.codecpar), 'describing the stream');
  stream.codecpar.codecTag = 0; // that of another container
  stream.timeBase = from.timeBase;
  check(path, output.openOutputSync(), 'opening the file');
  check(path, output.writeHeaderSync(), 'writing the header');
  return stream;
}

/** Copies a piece's packets. They come in the order of decoding, in which a frame may stand before an earlier one. */
function append(
  input: FormatContext,
  from: Stream,
  output: FormatContext,
  to: Stream,
  packet: Packet,
  { path, startSeconds, frames }: VideoPiece,
  { before, fps }: { readonly before: number; readonly fps: number },
): void {
  const tick = from.timeBase.num / from.timeBase.den;
  const start = BigInt(Math.round(startSeconds / tick));
  const shift = BigInt(Math.round(before / fps / tick)) - start;
  const length = BigInt(Math.max(1, Math.round(1 / fps / tick)));
  const base = new Rational(from.timeBase.num, from.timeBase.den);
  if (startSeconds > 0) check(path, input.seekFrameSync(from.index, start, AVSEEK_FLAG_BACKWARD), 'seeking');
  let [copied, passed] = [0, false];
  while (copied < frames && input.readFrameSync(packet) >= 0) {
    const { streamIndex, pts, isKeyframe } = packet;
    const index = pts === AV_NOPTS_VALUE ? Number.NaN : Math.round(Number(pts - start) * tick * fps);
    if (streamIndex === from.index && index >= frames) passed = true;
    else if (streamIndex === from.index && index >= 0) {
      if (copied === 0 && !(isKeyframe && index === 0))
        throw new InseparableError(path, `does not begin with a key frame at ${startSeconds} s.`);
      if (passed) throw new InseparableError(path, `frame ${index} from ${startSeconds} s on needs one after the end.`);
      copied++;
      packet.pts += shift;
      packet.dts += shift;
      packet.duration = length;
      packet.streamIndex = to.index;
      packet.rescaleTs(base, to.timeBase);
      check(path, output.interleavedWriteFrameSync(packet), 'writing a frame');
    }
    packet.unref();
  }
  if (copied < frames)
    throw new VideoError(path, `has ${copied} frames from ${startSeconds} s on (expected ${frames}).`);
}

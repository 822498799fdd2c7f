import { AV_NOPTS_VALUE, AVMEDIA_TYPE_VIDEO, AVSEEK_FLAG_BACKWARD } from 'node-av/constants';
import { Codec, CodecContext, FormatContext, Frame, Packet } from 'node-av/lib';
import { lumaOf, RgbFrames } from './pixels.ts';
import { check, VideoError } from './videoError.ts';

/** Receives a wanted frame: its place in the list of wanted frames, and its RGB bytes, valid during the call only. */
export type FrameSink = (place: number, rgb: Uint8Array, width: number, height: number) => void;

export interface ReadOptions {
  /** Frames a second. */
  readonly fps: number;
  /** Time of frame 0 in the file, seconds: where an episode begins in a video that several share. */
  readonly startSeconds?: number;
  readonly threads?: number;
  /** `rgb` (default), or `luma`: the decoded Y plane as the codec defines it, bit for bit; uint8 [height, width]. */
  readonly pixels?: 'rgb' | 'luma';
}

/** Wanted frames further apart than this are reached by seeking instead of decoding on. */
const SEEK_GAP = 600;

export interface VideoProbe {
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly keyFrames: number;
  /** Length, as the stream's header says. */
  readonly seconds: number;
}

/** One open video file. Owns libav's contexts until `close`. */
export class VideoReader {
  private readonly format = new FormatContext();
  private readonly decoder = new CodecContext();
  private readonly frame = new Frame();
  private readonly packet = new Packet();
  private readonly streamIndex: number;
  private readonly secondsPerTick: number;
  private readonly fps: number;
  private readonly start: number;
  private readonly pixels: 'rgb' | 'luma';
  private readonly rgb: RgbFrames;

  constructor(
    private readonly path: string,
    { fps, startSeconds = 0, threads = 1, pixels = 'rgb' }: ReadOptions,
  ) {
    this.fps = fps;
    this.rgb = new RgbFrames(path);
    this.pixels = pixels;
    this.start = startSeconds;
    check(path, this.format.openInputSync(path), 'opening the video');
    const stream = this.format.streams.find((s) => s.codecpar.codecType === AVMEDIA_TYPE_VIDEO);
    if (!stream) {
      this.format.closeInputSync();
      throw new VideoError(path, 'holds no video stream.');
    }
    this.streamIndex = stream.index;
    this.secondsPerTick = stream.timeBase.num / stream.timeBase.den;
    const codec = Codec.findDecoder(stream.codecpar.codecId);
    if (!codec) throw new VideoError(path, `no decoder for codec ${stream.codecpar.codecId}.`);
    this.decoder.allocContext3(codec);
    check(path, this.decoder.parametersToContext(stream.codecpar), 'reading the stream');
    this.decoder.threadCount = threads;
    check(path, this.decoder.open2Sync(codec), 'opening the decoder');
    this.frame.alloc();
    this.packet.alloc();
  }

  read(indices: readonly number[], sink: FrameSink): void {
    const places = new Map(indices.map((index, place) => [index, place]));
    const missing = new Set(indices);
    // Runs of wanted frames that lie close together; the later ones are reached by seeking.
    const runs: number[][] = [];
    for (const index of indices) {
      const run = runs.at(-1);
      if (run && index - run.at(-1)! <= SEEK_GAP) run.push(index);
      else runs.push([index]);
    }
    const offset = Math.round(this.start * this.fps);
    for (const run of runs) {
      if (run[0]! + offset > SEEK_GAP || run !== runs[0]) this.seek(run[0]!);
      this.decodeRun(run, places, missing, sink);
    }
    // A seek may have landed too late (open groups); then from the beginning.
    if (missing.size > 0 && runs.some((run) => run[0]! + offset > SEEK_GAP || run !== runs[0])) {
      this.seek(-offset);
      this.decodeRun(
        [...missing].sort((a, b) => a - b),
        places,
        missing,
        sink,
      );
    }
    if (missing.size > 0)
      throw new VideoError(
        this.path,
        `frame ${[...missing][0]} is not in the video (${missing.size} of ${indices.length} wanted frames are ` +
          'missing).',
      );
  }

  private seek(index: number): void {
    const seconds = Math.max(0, this.start + index / this.fps);
    const target = BigInt(Math.floor(seconds / this.secondsPerTick));
    check(this.path, this.format.seekFrameSync(this.streamIndex, target, AVSEEK_FLAG_BACKWARD), 'seeking');
    this.decoder.flushBuffers();
  }

  private decodeRun(
    run: readonly number[],
    places: ReadonlyMap<number, number>,
    missing: Set<number>,
    sink: FrameSink,
  ): void {
    const last = run.at(-1)!;
    let wanted = run.reduce((n, index) => n + (missing.has(index) ? 1 : 0), 0);
    let past = false;
    const drain = () => {
      while (wanted > 0 && this.decoder.receiveFrameSync(this.frame) >= 0) {
        const ticks = this.frame.bestEffortTimestamp;
        const seconds = ticks === AV_NOPTS_VALUE ? Number.NaN : Number(ticks) * this.secondsPerTick;
        const exact = (seconds - this.start) * this.fps;
        const index = Math.round(exact);
        if (missing.has(index) && Math.abs(exact - index) < 0.05) {
          const place = places.get(index)!;
          missing.delete(index);
          wanted--;
          const { width, height } = this.frame;
          sink(place, this.pixels === 'luma' ? lumaOf(this.path, this.frame) : this.rgb.of(this.frame), width, height);
        }
        if (index > last) past = true;
        this.frame.unref();
      }
    };
    while (wanted > 0 && !past && this.format.readFrameSync(this.packet) >= 0) {
      if (this.packet.streamIndex === this.streamIndex) this.decoder.sendPacketSync(this.packet);
      this.packet.unref();
      drain();
    }
    if (wanted > 0 && !past) {
      this.decoder.sendPacketSync(null);
      drain();
    }
  }

  probe(): VideoProbe {
    let [frames, keyFrames] = [0, 0];
    while (this.format.readFrameSync(this.packet) >= 0) {
      if (this.packet.streamIndex === this.streamIndex) {
        frames++;
        if (this.packet.isKeyframe) keyFrames++;
      }
      this.packet.unref();
    }
    const seconds = Number(this.format.streams[this.streamIndex]!.duration) * this.secondsPerTick;
    const { width, height } = this.format.streams[this.streamIndex]!.codecpar;
    return { width, height, frames, keyFrames, seconds };
  }

  close(): void {
    this.rgb.close();
    this.decoder.freeContext();
    this.frame.free();
    this.packet.free();
    this.format.closeInputSync();
  }
}

import {
  AV_CODEC_ID_HEVC,
  AV_NOPTS_VALUE,
  AVERROR_EAGAIN,
  AVERROR_EOF,
  AVMEDIA_TYPE_VIDEO,
  AVSEEK_FLAG_BACKWARD,
} from 'node-av/constants';
import { Codec, CodecContext, FormatContext, Frame, Packet } from 'node-av/lib';
import { isKeyFrame, markOf } from './damage.ts';
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
  /** Every frame up to this one is decoded too, and must be there and whole. */
  readonly through?: number | undefined;
  /** Wanted frames further apart than this are reached by seeking instead of decoding on. */
  readonly seekGap?: number | undefined;
}

/** Where nothing else is said. */
export const SEEK_GAP = 600;

export interface VideoProbe {
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly keyFrames: number;
  /** Length, as the stream's header says. */
  readonly seconds: number;
  /** Frames a second, by the times of the first and the last; NaN where these do not tell. */
  readonly fps: number;
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
  private readonly through: number | undefined;
  private readonly seekGap: number;

  constructor(
    private readonly path: string,
    { fps, startSeconds = 0, threads = 1, pixels = 'rgb', through, seekGap = SEEK_GAP }: ReadOptions,
  ) {
    this.fps = fps;
    this.rgb = new RgbFrames(path);
    this.pixels = pixels;
    this.start = startSeconds;
    this.through = through;
    this.seekGap = seekGap;
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
    // Other decoders mark the frames; this one only returns a code, and of some damage only when it is asked to.
    if (stream.codecpar.codecId === AV_CODEC_ID_HEVC)
      check(path, this.decoder.setOption('err_detect', 'explode'), 'asking for errors');
    check(path, this.decoder.open2Sync(codec), 'opening the decoder');
    this.frame.alloc();
    this.packet.alloc();
  }

  /** @throws VideoError that names the first frame that is damaged or missing */
  read(indices: readonly number[], sink: FrameSink): void {
    const last = indices.at(-1);
    if (last === undefined) return;
    const places = new Map(indices.map((index, place) => [index, place]));
    const missing = new Set(indices);
    // Runs of wanted frames that lie close together; the later ones are reached by seeking.
    const runs: number[][] = [];
    for (const index of indices) {
      const run = runs.at(-1);
      const near = this.through !== undefined || index - (run?.at(-1) ?? 0) <= this.seekGap;
      if (run && near) run.push(index);
      else runs.push([index]);
    }
    const offset = Math.round(this.start * this.fps);
    let again = false;
    for (const [i, run] of runs.entries()) {
      const [first = 0] = run;
      const seeks = first + offset > this.seekGap || i > 0;
      if (seeks) this.seek(first);
      const damage = this.decodeRun(run, this.endOf(run, last), places, missing, sink);
      if (damage && !seeks) throw new VideoError(this.path, damage);
      // A seek may have landed too late (open groups); then from the beginning.
      if (damage) for (const index of run) missing.add(index);
      if (missing.size > 0 && seeks) again = true;
    }
    if (missing.size > 0 && again) {
      this.seek(-offset);
      const rest = [...missing].sort((a, b) => a - b);
      const damage = this.decodeRun(rest, this.endOf(rest, last), places, missing, sink);
      if (damage) throw new VideoError(this.path, damage);
    }
    if (missing.size > 0)
      throw new VideoError(
        this.path,
        `frame ${[...missing][0]} is not in the video (${missing.size} of ${indices.length} wanted frames are ` +
          'missing).',
      );
  }

  /** The last frame that a run must decode. */
  private endOf(run: readonly number[], last: number): number {
    const end = run.at(-1) ?? 0;
    return end === last ? Math.max(end, this.through ?? end) : end;
  }

  private seek(index: number): void {
    const seconds = Math.max(0, this.start + index / this.fps);
    const target = BigInt(Math.floor(seconds / this.secondsPerTick));
    check(this.path, this.format.seekFrameSync(this.streamIndex, target, AVSEEK_FLAG_BACKWARD), 'seeking');
    this.decoder.flushBuffers();
  }

  /** Decodes on until frame `end`; returns what is wrong with the first damaged frame that matters. */
  private decodeRun(
    run: readonly number[],
    end: number,
    places: ReadonlyMap<number, number>,
    missing: Set<number>,
    sink: FrameSink,
  ): string | undefined {
    const [first = 0] = run;
    let wanted = run.reduce((n, index) => n + (missing.has(index) ? 1 : 0), 0);
    let [next, gap, past] = [first, -1, false];
    let damage: { readonly index: number; readonly text: string } | undefined;
    const note = (ticks: bigint, what: string | undefined) => {
      const index = Math.round((this.secondsOf(ticks) - this.start) * this.fps);
      if (what !== undefined && !(index > end)) damage ??= { index, text: this.describe(ticks, what) };
    };
    const drain = () => {
      while (!past) {
        const code = this.decoder.receiveFrameSync(this.frame);
        if (code === AVERROR_EAGAIN || code === AVERROR_EOF) return;
        if (code < 0) return note(AV_NOPTS_VALUE, `libav code ${code}`);
        const ticks = this.frame.bestEffortTimestamp;
        const exact = (this.secondsOf(ticks) - this.start) * this.fps;
        const index = Math.round(exact);
        // What was damaged before this group of frames is no part of it.
        if (damage && damage.index < index && index <= first && isKeyFrame(this.frame)) damage = undefined;
        note(ticks, markOf(this.frame));
        const isWanted = missing.has(index) && Math.abs(exact - index) < 0.05;
        if (isWanted && damage === undefined) {
          const place = places.get(index) ?? 0;
          missing.delete(index);
          wanted--;
          const { width, height } = this.frame;
          sink(place, this.pixels === 'luma' ? lumaOf(this.path, this.frame) : this.rgb.of(this.frame), width, height);
        }
        if (index > next && gap < 0) gap = next;
        if (index >= next) next = index + 1;
        past = index >= end || (isWanted && damage !== undefined);
        this.frame.unref();
      }
    };
    while (!past && this.format.readFrameSync(this.packet) >= 0) {
      if (this.packet.streamIndex === this.streamIndex) {
        const code = this.decoder.sendPacketSync(this.packet);
        if (code < 0 && code !== AVERROR_EAGAIN) note(this.packet.pts, `libav code ${code}`);
      }
      this.packet.unref();
      drain();
    }
    if (!past) {
      this.decoder.sendPacketSync(null);
      drain();
    }
    if (damage !== undefined || wanted > 0 || this.through === undefined) return damage?.text;
    if (gap >= 0) return `frame ${gap} is missing.`;
    return next > end ? undefined : `ends after frame ${next - 1} (expected frames up to ${end}).`;
  }

  private secondsOf(ticks: bigint): number {
    return ticks === AV_NOPTS_VALUE ? Number.NaN : Number(ticks) * this.secondsPerTick;
  }

  private describe(ticks: bigint, what: string): string {
    const seconds = this.secondsOf(ticks);
    const where = Number.isNaN(seconds)
      ? 'a frame'
      : `frame ${Math.round((seconds - this.start) * this.fps)}, ${seconds.toFixed(3)} s into the file,`;
    return `${where} is damaged (${what}). Record it again, or leave the episode out.`;
  }

  probe(): VideoProbe {
    let [frames, keyFrames] = [0, 0];
    let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    while (this.format.readFrameSync(this.packet) >= 0) {
      if (this.packet.streamIndex === this.streamIndex) {
        frames++;
        if (this.packet.isKeyframe) keyFrames++;
        const time = this.secondsOf(this.packet.pts);
        [first, last] = [Math.min(first, time), Math.max(last, time)];
      }
      this.packet.unref();
    }
    const fps = last > first ? (frames - 1) / (last - first) : Number.NaN;
    const seconds = Number(this.format.streams[this.streamIndex]!.duration) * this.secondsPerTick;
    const { width, height } = this.format.streams[this.streamIndex]!.codecpar;
    return { width, height, frames, keyFrames, seconds, fps };
  }

  close(): void {
    this.rgb.close();
    this.decoder.freeContext();
    this.frame.free();
    this.packet.free();
    this.format.closeInputSync();
  }
}

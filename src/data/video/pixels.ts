import {
  AV_PIX_FMT_GRAY8,
  AV_PIX_FMT_RGB24,
  AV_PIX_FMT_YUV420P,
  AV_PIX_FMT_YUV422P,
  AV_PIX_FMT_YUV444P,
  AV_PIX_FMT_YUVJ420P,
} from 'node-av/constants';
import { Frame, SoftwareScaleContext } from 'node-av/lib';
import { isDeep420, LastLine, lateChromaConverter } from './lateChroma.ts';
import { SCALER_FLAGS } from './scalerFlags.ts';
import { check, VideoError } from './videoError.ts';

/** Planar 8-bit formats whose first plane is the luma. */
const LUMA_FORMATS: readonly number[] = [
  AV_PIX_FMT_YUV420P,
  AV_PIX_FMT_YUVJ420P,
  AV_PIX_FMT_YUV422P,
  AV_PIX_FMT_YUV444P,
  AV_PIX_FMT_GRAY8,
];

/** The Y plane of a decoded frame, a copy: uint8 [height, width]. @throws VideoError when it has no 8-bit one */
export function lumaOf(path: string, { width, height, format, linesize, data }: Frame): Uint8Array {
  const [plane] = data ?? [];
  const [stride = width] = linesize;
  if (!LUMA_FORMATS.includes(format as number) || !plane)
    throw new VideoError(path, `has no 8-bit luma plane (pixel format ${format}).`);
  const bytes = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) bytes.set(plane.subarray(y * stride, y * stride + width), y * width);
  return bytes;
}

/** Decoded frames as RGB; keeps libav's converter of the size and format that came last. */
export class RgbFrames {
  private converter:
    | { context: SoftwareScaleContext; rgb: Frame; key: string; lastLine: LastLine | undefined }
    | undefined;

  constructor(private readonly path: string) {}

  /** uint8 [height, width, 3], good until the next call. */
  of(frame: Frame): Uint8Array {
    const { width, height, format } = frame;
    const key = `${width} ${height} ${format}`;
    if (this.converter?.key !== key) {
      this.close();
      const deep = isDeep420(frame);
      const context = deep ? lateChromaConverter(this.path, frame) : new SoftwareScaleContext();
      if (!deep) context.getContext(width, height, format as never, width, height, AV_PIX_FMT_RGB24, SCALER_FLAGS);
      const rgb = new Frame();
      rgb.alloc();
      rgb.format = AV_PIX_FMT_RGB24;
      rgb.width = width;
      rgb.height = height;
      check(this.path, rgb.getBuffer(1), 'reserving a picture');
      const lastLine = deep ? new LastLine(this.path, width, frame.format) : undefined;
      this.converter = { context, rgb, key, lastLine };
    }
    const { context, rgb, lastLine } = this.converter;
    check(this.path, context.scaleFrameSync(rgb, frame), 'converting a frame');
    const row = width * 3;
    const [stride = row] = rgb.linesize;
    const [data] = rgb.data ?? [];
    if (!data) throw new VideoError(this.path, 'a frame has no pixels.');
    const last = lastLine?.of(frame);
    if (last) data.set(last, (height - 1) * stride);
    if (stride === row) return new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, row * height);
    const bytes = new Uint8Array(row * height);
    for (let y = 0; y < height; y++) bytes.set(data.subarray(y * stride, y * stride + row), y * row);
    return bytes;
  }

  close(): void {
    this.converter?.context.freeContext();
    this.converter?.rgb.free();
    this.converter?.lastLine?.close();
    this.converter = undefined;
  }
}

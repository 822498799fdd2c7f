import {
  AV_PIX_FMT_RGB24,
  AV_PIX_FMT_YUV420P9LE,
  AV_PIX_FMT_YUV420P10LE,
  AV_PIX_FMT_YUV420P12LE,
  AV_PIX_FMT_YUV420P14LE,
  AV_PIX_FMT_YUV420P16LE,
} from 'node-av/constants';
import { type Frame, SoftwareScaleContext } from 'node-av/lib';
import { SCALER_FLAGS } from './scalerFlags.ts';
import { check } from './videoError.ts';

/** 4:2:0 of more than 8 bits, two bytes a number. */
const DEEP_420: readonly number[] = [
  AV_PIX_FMT_YUV420P9LE,
  AV_PIX_FMT_YUV420P10LE,
  AV_PIX_FMT_YUV420P12LE,
  AV_PIX_FMT_YUV420P14LE,
  AV_PIX_FMT_YUV420P16LE,
];

/** Whether a frame needs the converter of this file. */
export const isDeep420 = ({ format }: Frame): boolean => DEEP_420.includes(format);

/** Where the converter puts a line of colours: at the second of its two lines of pixels (in 128ths of a line). */
const SECOND_LINE = 256;
/** Lines of the small picture that the last line is converted in. */
const LINES = 8;

/**
 * The converter of deep 4:2:0 that LeRobot's readers have (PyAV up to 16, libav 7): line c of the colours stands at
 * line 2c + 1 of the pixels, lines between are the mean of two. libav 8 puts it half a line higher, which moves edges
 * of colours by as much.
 */
export function lateChromaConverter(
  path: string,
  { width, height, format }: Pick<Frame, 'width' | 'height' | 'format'>,
): SoftwareScaleContext {
  const context = new SoftwareScaleContext();
  context.allocContext();
  const options: [string, number][] = [
    ['srcw', width],
    ['srch', height],
    ['src_format', format],
    ['dstw', width],
    ['dsth', height],
    ['dst_format', AV_PIX_FMT_RGB24],
    ['sws_flags', SCALER_FLAGS],
    ['src_v_chr_pos', SECOND_LINE],
  ];
  for (const [name, value] of options) check(path, context.setOption(name, value), `setting ${name}`);
  check(path, context.initContext(), 'preparing the conversion');
  return context;
}

/**
 * The last line of a deep 4:2:0 frame: the reference gives it the colours of the line before, the mean of the last two
 * lines of colours. It is converted as the third line of a small picture, which that mean falls on.
 */
export class LastLine {
  private readonly context: SoftwareScaleContext;
  private readonly out: Buffer;

  constructor(
    path: string,
    private readonly width: number,
    format: Frame['format'],
  ) {
    this.out = Buffer.alloc(LINES * width * 3);
    this.context = lateChromaConverter(path, { width, height: LINES, format });
  }

  /** RGB bytes, good until the next call; undefined where the frame has a single line of colours, or an odd height. */
  of({ height, linesize, data }: Frame): Uint8Array | undefined {
    const colours = height >> 1;
    const [luma, ...chroma] = data ?? [];
    const [stride = 0, ...strides] = linesize;
    if (height % 2 === 1 || colours < 2 || !luma) return undefined;
    const last = luma.subarray((height - 1) * stride, height * stride);
    const planes = [
      Buffer.concat(Array.from({ length: LINES }, () => last)),
      ...chroma.slice(0, 2).map((plane, i) => {
        const line = strides[i] ?? 0;
        const [before, end] = [2, 1].map((back) =>
          plane.subarray((colours - back) * line, (colours - back + 1) * line),
        );
        return Buffer.concat([before, end, end, end] as Buffer[]);
      }),
    ];
    this.context.scaleSync(planes, [stride, ...strides.slice(0, 2)], 0, LINES, [this.out], [this.width * 3]);
    return this.out.subarray(2 * this.width * 3, 3 * this.width * 3);
  }

  close(): void {
    this.context.freeContext();
  }
}

import { kernelOver } from '../kernelBytes.ts';

/** The functions of assembly/, where each is described; pointers are byte offsets into the memory. */
export interface PictureKernels {
  resampleRows(
    pixels: number,
    height: number,
    width: number,
    channels: number,
    first: number,
    offsets: number,
    weights: number,
    to: number,
    out: number,
  ): void;
  resampleColumns(
    values: number,
    row: number,
    first: number,
    offsets: number,
    weights: number,
    to: number,
    out: number,
  ): void;
}

/** The inner loops of resizing over `memory`. */
export const pictureKernels = (memory: WebAssembly.Memory): PictureKernels => kernelOver('pictures', memory);

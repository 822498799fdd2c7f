import { kernelOver } from '../kernelBytes.ts';

/** Of either pass: the filter's tables, how many rows or columns come out, and where. */
type PassArguments = readonly [first: number, offsets: number, weights: number, to: number, out: number];

/** The functions of assembly/, where each is described; pointers are byte offsets into the memory. */
export interface PictureKernels {
  resampleRows(pixels: number, height: number, width: number, channels: number, ...pass: PassArguments): void;
  resampleColumns(values: number, row: number, ...pass: PassArguments): void;
}

/** The inner loops of resizing over `memory`. */
export const pictureKernels = (memory: WebAssembly.Memory): PictureKernels => kernelOver('pictures', memory);

import { kernelOver } from '../kernelBytes.ts';

/** The functions of assembly/; pointers are byte offsets. They return 0 where the data is damaged, else 1. */
export interface PageKernels {
  /** Unpacks snappy data from…end into out, which must become `size` bytes long. */
  snappy(from: number, end: number, out: number, size: number): number;
  /** `count` 32-bit values out of a dictionary of `size` values, by packed indices of `width` bits. */
  lookUp(from: number, end: number, width: number, values: number, size: number, out: number, count: number): number;
}

/** The inner loops of the parquet page reader over `memory`. */
export const pageKernels = (memory: WebAssembly.Memory): PageKernels => kernelOver('pages', memory);

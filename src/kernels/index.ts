/**
 * The hot loops in WebAssembly: readable sources, the modules made of them, one loader. Knows no robots or networks.
 */
export { adamwParts, MEMORY_LIMIT } from './adamw/adamw.ts';
export type { AdamwConstants, AdamwLeaf, AdamwPart } from './adamw/part.ts';
export { KERNELS, type KernelName, kernelBytes } from './kernelBytes.ts';
export { type PageKernels, pageKernels } from './pages/pages.ts';
export { type StatisticsKernels, statisticsKernels } from './statistics/statistics.ts';
export { type Fill, fillFrom } from './zstd/fill.ts';
export { decodeZstd, PIECE_BYTES, ZstdDecoder } from './zstd/zstd.ts';

/** The hot loops in WebAssembly: readable sources, the modules made of them, and one loader. Knows nothing of robots or networks. */
export { type AdamwConstants, type AdamwLeaf, type AdamwPart, adamwParts, MEMORY_LIMIT } from './adamw/adamw.ts';
export { KERNELS, type KernelName, kernelBytes } from './kernelBytes.ts';
export { type PageKernels, pageKernels } from './pages/pages.ts';
export { type StatisticsKernels, statisticsKernels } from './statistics/statistics.ts';
export { type Fill, fillFrom } from './zstd/fill.ts';
export { decodeZstd, PIECE_BYTES, ZstdDecoder } from './zstd/zstd.ts';

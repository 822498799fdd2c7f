/**
 * The hot loops in WebAssembly: readable sources, the modules made of them, one loader. Knows no robots or networks.
 */
export { adamwParts } from './adamw/adamw.ts';
export type { AdamwPart } from './adamw/part.ts';
export { maskBytes } from './mask/mask.ts';
export { type PageKernels, pageKernels } from './pages/pages.ts';
export { type PictureKernels, pictureKernels } from './pictures/pictures.ts';
export { type StatisticsKernels, statisticsKernels } from './statistics/statistics.ts';
export { type Fill, fillFrom } from './zstd/fill.ts';
export { decodeZstd, PIECE_BYTES, ZstdDecoder } from './zstd/zstd.ts';

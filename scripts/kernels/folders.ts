import { fileURLToPath } from 'node:url';

/** src/kernels/. */
export const KERNELS_FOLDER = fileURLToPath(new URL('../../src/kernels/', import.meta.url));

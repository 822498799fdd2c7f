import type { Kind } from '../kind.ts';
import { network } from './network.ts';

/** The kinds of golden cases that are built. */
export const KINDS: Readonly<Record<string, Kind>> = {
  network,
};

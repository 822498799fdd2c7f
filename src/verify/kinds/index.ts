import type { Kind } from '../kind.ts';
import { network } from './network.ts';
import { optimizer } from './optimizer.ts';
import { parameterTreeKind } from './parameterTree.ts';
import { sampler } from './sampler.ts';
import { sincos } from './sincos.ts';
import { trainSteps } from './trainSteps.ts';

/** The kinds of golden cases that are built. */
export const KINDS: Readonly<Record<string, Kind>> = {
  'parameter-tree': parameterTreeKind,
  sincos,
  network,
  sampler,
  optimizer,
  'train-steps': trainSteps,
};

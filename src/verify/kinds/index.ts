import type { Kind } from '../kind.ts';
import { checkpoint } from './checkpoint.ts';
import { compression } from './compression.ts';
import { dataset } from './dataset.ts';
import { executor } from './executor.ts';
import { fast } from './fast.ts';
import { network } from './network.ts';
import { noise } from './noise.ts';
import { optimizer } from './optimizer.ts';
import { parameterTreeKind } from './parameterTree.ts';
import { policyInput } from './policyInput.ts';
import { routing } from './routing.ts';
import { rules } from './rules.ts';
import { sampler } from './sampler.ts';
import { sincosCodes } from './sincos.ts';
import { stages } from './stages.ts';
import { statistics } from './statistics.ts';
import { trainSteps } from './trainSteps.ts';
import { transforms } from './transforms.ts';
import { wire } from './wire.ts';

/** The kinds of golden cases that are built. */
export const KINDS: Readonly<Record<string, Kind>> = {
  'parameter-tree': parameterTreeKind,
  sincos: sincosCodes,
  network,
  sampler,
  optimizer,
  'train-steps': trainSteps,
  statistics,
  noise,
  transforms,
  'policy-input': policyInput,
  checkpoint,
  compression,
  rules,
  stages,
  executor,
  routing,
  wire,
  dataset,
  fast,
};

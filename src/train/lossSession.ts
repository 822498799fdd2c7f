import { type ModelConfig, withoutUnreadRows } from '../model/index.ts';
import {
  type NdArray,
  type Program,
  ProgramSession,
  SectionedSession,
  type StoredArray,
  type TypedArray,
} from '../tensor/index.ts';
import type { TrainerOptions } from './trainerOptions.ts';

/** What computes losses: the whole program at once, or section by section. */
export interface LossSession extends Pick<ProgramSession, 'inputs' | 'outputs' | 'close'> {
  run(
    feeds: Readonly<Record<string, NdArray | TypedArray | StoredArray>>,
    fetches: readonly string[] | Readonly<Record<string, NdArray>>,
  ): Promise<Record<string, NdArray>>;
}

/** Training tells the network a stage that may differ from the one it should find. */
export const lossInputs = ({ imageMask = false, fastTokens = true, sampleWeights = false }: TrainerOptions) =>
  ({ imageInput: 'uint8', imageMask, fastTokens, stageLabel: true, sampleWeights }) as const;

/** The network as its loss is computed. */
export function lossModel({ model, layerwise, frozen = [] }: TrainerOptions): ModelConfig {
  return layerwise ? withoutUnreadRows(model, (leaf) => !frozen.includes(leaf)) : model;
}

export function lossSession(program: Program, { threads, layerwise }: TrainerOptions): Promise<LossSession> {
  return layerwise ? SectionedSession.create(program, { threads }) : ProgramSession.create(program, { threads });
}

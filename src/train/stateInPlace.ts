import type { WorkerClient } from '../base/index.ts';
import { loraTree, networkTree } from '../model/index.ts';
import { bytesOfArray, type NdArray, type PiecedArray, type Weight } from '../tensor/index.ts';
import type { RunConfig } from './config.ts';
import { frozenLeaves } from './freeze.ts';
import type { SavedState } from './save.ts';
import type { LeafRequest } from './trainerOptions.ts';

/**
 * The trainer's state where it is: its arrays are had one leaf at a time when they are read, while it makes no updates.
 * The average of the adapters is there at once.
 */
export async function stateInPlace(client: WorkerClient, step: number, config: RunConfig): Promise<SavedState> {
  const { model, lora } = config;
  const frozen = new Set(frozenLeaves(model, config));
  const trained = networkTree(model, lora).filter(({ name }) => !frozen.has(name));
  const had = (request: LeafRequest) => client.call<NdArray>('leaf', request);
  const arrays = (kind: LeafRequest['kind']) =>
    new Map<string, Weight | PiecedArray>(
      trained.map(({ name, shape }) => {
        async function* pieces(): AsyncIterable<Uint8Array> {
          yield bytesOfArray(await had({ kind, leaf: name }));
        }
        return [name, { shape, dtype: 'float32', pieces }];
      }),
    );
  const ema = arrays('ema');
  for (const { name } of lora ? loraTree(model, lora) : []) ema.set(name, await had({ kind: 'ema', leaf: name }));
  return { step, parameters: arrays('parameters'), m: arrays('m'), v: arrays('v'), ema };
}

import { answerCalls, Transfer, ValetError } from '../base/index.ts';
import type { Parameters } from '../tensor/index.ts';
import type { TrainingBatch } from './batch.ts';
import type { ChunkRequest } from './openLoop.ts';
import { type StepRequest, Trainer, type TrainerOptions } from './trainer.ts';

/** The thread that computes updates; the main thread makes the next batch meanwhile. */
let trainer: Trainer | undefined;

function opened(): Trainer {
  if (!trainer) throw new ValetError('trainer', 'is not open yet.');
  return trainer;
}

answerCalls({
  async open(options: TrainerOptions) {
    trainer = await Trainer.open(options);
    return trainer.info;
  },
  step({ batch, learningRate, ...options }: StepRequest) {
    return opened().step(batch, learningRate, options);
  },
  validate(batch: TrainingBatch) {
    return opened().validate(batch);
  },
  planChunks({ requests, steps }: { requests: ChunkRequest[]; steps: number }) {
    return opened().planChunks(requests, steps);
  },
  snapshot() {
    const snapshot = opened().snapshot();
    const buffers = [snapshot.parameters, snapshot.m, snapshot.v, snapshot.ema].flatMap((tree: Parameters) =>
      [...tree.values()].map(({ data }) => data.buffer as ArrayBuffer),
    );
    return new Transfer(snapshot, buffers);
  },
  async close() {
    await trainer?.close();
    trainer = undefined;
  },
});

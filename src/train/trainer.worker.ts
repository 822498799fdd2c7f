import { answerCalls, type Communicator, Transfer, ValetError } from '../base/index.ts';
import type { Parameters } from '../tensor/index.ts';
import type { TrainingBatch } from './batch.ts';
import type { ChunkRequest } from './openLoop.ts';
import { everyones, type JoinOptions, join, leadRanks, nextCommand } from './ranks/index.ts';
import { Trainer } from './trainer.ts';
import type { LeafRequest, StepRequest, TrainerOptions } from './trainerOptions.ts';

/** The thread that computes updates; the main thread makes the next batch meanwhile. */
let trainer: Trainer | undefined;
/** The ranks that train together; one alone has none. */
let communicator: Communicator | undefined;

function opened(): Trainer {
  if (!trainer) throw new ValetError('trainer', 'is not open yet.');
  return trainer;
}

function joined(): Communicator {
  if (!communicator) throw new ValetError('trainer', 'has joined no ranks.');
  return communicator;
}

answerCalls({
  async join(options: JoinOptions) {
    const found = await join(options);
    communicator = found.communicator;
    return found.joined;
  },
  everyones(own: number) {
    return everyones(joined(), own);
  },
  barrier() {
    joined().barrier();
  },
  next() {
    return nextCommand(joined());
  },
  whole(kind: 'm' | 'v' | 'ema') {
    opened().whole(kind);
  },
  end() {
    leadRanks(joined(), { method: 'end' });
    joined().close();
  },
  abort(code: number) {
    joined().abort(code);
  },
  async open(options: TrainerOptions) {
    trainer = await Trainer.open(options, communicator);
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
  leaf({ kind, leaf }: LeafRequest) {
    const array = opened().leaf(kind, leaf);
    return new Transfer(array, [array.data.buffer as ArrayBuffer]);
  },
  async close() {
    await trainer?.close();
    trainer = undefined;
  },
});

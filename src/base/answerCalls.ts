import { parentPort } from 'node:worker_threads';
import { ValetError } from './errors.ts';
import { AbandonedError, answering, ownWork } from './nativeCalls.ts';
import { stopWorkers } from './worker.ts';
import { type Call, type Reply, type Stop, sentError } from './workerMessages.ts';

type Handlers = Record<string, (argument: never) => unknown>;

/** A value to send with buffers that move instead of being copied. */
export class Transfer<T> {
  constructor(
    readonly value: T,
    readonly buffers: ArrayBuffer[],
  ) {}
}

/**
 * In a worker: answers calls by name, one after the other. A handler may return a `Transfer`. A handler that takes long
 * calls `throwIfAbandoned` between its steps.
 */
export function answerCalls(handlers: Handlers): void {
  const port = parentPort;
  if (!port) throw new ValetError('answerCalls', 'only a worker thread can answer calls.');
  const send = (reply: Reply, buffers: ArrayBuffer[] = []) => port.postMessage(reply, buffers);
  const answer = async ({ id, method, argument }: Call): Promise<void> => {
    if (!ownWork.enter()) return send({ id, error: sentError(new AbandonedError()) });
    answering(id);
    try {
      if (ownWork.isAbandoned(id)) throw new AbandonedError();
      const handler = handlers[method];
      if (!handler) throw new ValetError('worker', `no method ${method}.`);
      const result = await handler(argument as never);
      if (result instanceof Transfer) send({ id, value: result.value }, result.buffers);
      else send({ id, value: result });
    } catch (error) {
      send({ id, error: sentError(error) });
    } finally {
      answering(undefined);
      ownWork.leave();
    }
  };
  let queue: Promise<void> = Promise.resolve();
  // All modules are loaded.
  ownWork.leave();
  port.on('message', (message: Call | Stop) => {
    if ('stop' in message) void stopWorkers();
    else queue = queue.then(() => answer(message));
  });
}

import { parentPort } from 'node:worker_threads';
import { ValetError } from './errors.ts';
import { AbandonedError, answering, ownWork } from './nativeCalls.ts';
import { stopWorkers } from './worker.ts';
import { type Abandon, type Call, type Reply, type Stop, sentError } from './workerMessages.ts';

/** The signal is aborted when nobody waits for the answer any more, or the thread must end. */
type Handlers = Record<string, (argument: never, signal: AbortSignal) => unknown>;

/** A value to send with buffers that move instead of being copied. */
export class Transfer<T> {
  constructor(
    readonly value: T,
    readonly buffers: ArrayBuffer[],
  ) {}
}

/**
 * In a worker: answers calls by name, one after the other, or each as it comes. A handler may return a `Transfer`. A
 * handler that takes long calls `throwIfAbandoned` between its steps; one that waits for others heeds its signal.
 * @param options.sideBySide calls begin as they come: `throwIfAbandoned` then tells only of the thread's end, and each
 *   handler goes by its signal
 */
export function answerCalls(handlers: Handlers, { sideBySide = false } = {}): void {
  const port = parentPort;
  if (!port) throw new ValetError('answerCalls', 'only a worker thread can answer calls.');
  const send = (reply: Reply, buffers: ArrayBuffer[] = []) => port.postMessage(reply, buffers);
  const underWay = new Map<number, AbortController>();
  const answer = async ({ id, method, argument }: Call): Promise<void> => {
    if (!ownWork.enter()) return send({ id, error: sentError(new AbandonedError()) });
    const wanted = new AbortController();
    underWay.set(id, wanted);
    if (!sideBySide) answering(id);
    try {
      if (ownWork.isAbandoned(id)) throw new AbandonedError();
      const handler = handlers[method];
      if (!handler) throw new ValetError('worker', `no method ${method}.`);
      const result = await handler(argument as never, wanted.signal);
      if (result instanceof Transfer) send({ id, value: result.value }, result.buffers);
      else send({ id, value: result });
    } catch (error) {
      send({ id, error: sentError(error) });
    } finally {
      if (!sideBySide) answering(undefined);
      underWay.delete(id);
      ownWork.leave();
    }
  };
  let queue: Promise<void> = Promise.resolve();
  // All modules are loaded.
  ownWork.leave();
  port.on('message', (message: Call | Abandon | Stop) => {
    if ('abandon' in message) underWay.get(message.abandon)?.abort(new AbandonedError());
    else if (!('stop' in message)) {
      if (sideBySide) void answer(message);
      else queue = queue.then(() => answer(message));
    } else {
      for (const wanted of underWay.values()) wanted.abort(new AbandonedError());
      void stopWorkers();
    }
  });
}

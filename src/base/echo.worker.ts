import { answerCalls, Transfer } from './answerCalls.ts';
import { InputError } from './errors.ts';
import { throwIfAbandoned } from './nativeCalls.ts';
import { WorkerClient } from './worker.ts';

/** The worker that the tests of `WorkerClient` call. */
answerCalls({
  add: ([a, b]: [number, number]) => a + b,
  double: (x: Float32Array) => {
    const y = x.map((v) => 2 * v);
    return new Transfer(y, [y.buffer as ArrayBuffer]);
  },
  refuse: () => {
    throw new InputError('echo', 'refused.');
  },
  die: () => process.exit(3),
  /** Blocks the thread for so many milliseconds, as a native call does. */
  block: (ms: number) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms),
  /** Works in steps of a millisecond until nobody waits. */
  async forever() {
    for (;;) {
      throwIfAbandoned();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  },
  /** Has a worker of its own block. */
  nested: (ms: number) => void WorkerClient.start('base/echo.worker').call('block', ms),
});

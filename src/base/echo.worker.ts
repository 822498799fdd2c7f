import { InputError } from './errors.ts';
import { answerCalls, Transfer } from './worker.ts';

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
});

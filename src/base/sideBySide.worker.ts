import { answerCalls } from './answerCalls.ts';

/** The worker whose calls begin as they come, for the tests of `WorkerClient`. */
let waiting = 0;
answerCalls(
  {
    waiting: () => waiting,
    wait: (_: undefined, signal: AbortSignal) =>
      new Promise((_resolve, reject) => {
        waiting++;
        signal.addEventListener('abort', () => {
          waiting--;
          reject(signal.reason as Error);
        });
      }),
  },
  { sideBySide: true },
);

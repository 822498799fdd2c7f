import { isMainThread, workerData } from 'node:worker_threads';
import { ValetError } from './errors.ts';

/**
 * A thread that ends while native code runs on it, or holds a promise of it, takes the whole process down: the result
 * comes back to a JavaScript that is gone. So each worker shares two words with the thread that started it. Word 0 is
 * twice the number of pieces of work under way, plus 1 once the worker must stop; word 1 is 1 above the number of the
 * call that nobody waits for any more. A worker is ended only while word 0 is exactly 1.
 */
export class WorkState {
  constructor(readonly words = new Int32Array(new SharedArrayBuffer(8))) {}

  /** Takes note of work that begins; false when the thread must stop, and nothing may begin. */
  enter(): boolean {
    if ((Atomics.add(this.words, 0, 2) & 1) === 0) return true;
    this.leave();
    return false;
  }

  leave(): void {
    Atomics.sub(this.words, 0, 2);
  }

  stop(): void {
    Atomics.or(this.words, 0, 1);
  }

  get stopping(): boolean {
    return (Atomics.load(this.words, 0) & 1) === 1;
  }

  get idle(): boolean {
    return Atomics.load(this.words, 0) < 2;
  }

  /** The call with this number is wanted no longer. */
  abandon(call: number): void {
    Atomics.store(this.words, 1, call + 1);
  }

  isAbandoned(call: number): boolean {
    return Atomics.load(this.words, 1) === call + 1;
  }
}

/** Where `WorkerClient` puts a worker's words among its data. */
export const WORK_STATE = 'valet.workState';

function ownWords(): Int32Array<SharedArrayBuffer> | undefined {
  if (isMainThread || typeof workerData !== 'object' || workerData === null) return undefined;
  return (workerData as Record<string, Int32Array<SharedArrayBuffer>>)[WORK_STATE];
}

/** The state of this thread. */
export const ownWork = new WorkState(ownWords());

/** Work was given up, because nobody waits for its result or the thread must stop. */
export class AbandonedError extends ValetError {
  override name = 'AbandonedError';
  constructor(where = 'worker') {
    super(where, 'the work was given up: nobody waits for it any more.', 'interrupted');
  }
}

let currentCall: number | undefined;

/** The call that this worker answers now; undefined between two. */
export function answering(call: number | undefined): void {
  currentCall = call;
}

/** Between two steps of long work: @throws AbandonedError when nobody waits for it any more */
export function throwIfAbandoned(): void {
  if (ownWork.stopping || (currentCall !== undefined && ownWork.isAbandoned(currentCall))) throw new AbandonedError();
}

/**
 * Runs native code that answers by a promise; the thread is not ended before it has. For whatever may still run when
 * the call that began it is over, because another part of the same call failed.
 * @throws AbandonedError when the thread must stop
 */
export async function native<T>(work: () => Promise<T>): Promise<T> {
  if (!ownWork.enter()) throw new AbandonedError();
  try {
    return await work();
  } finally {
    ownWork.leave();
  }
}

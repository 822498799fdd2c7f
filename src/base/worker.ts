import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { ValetError } from './errors.ts';
import { AbandonedError, ownWork, WORK_STATE, WorkState } from './nativeCalls.ts';
import { packageRoot } from './packageRoot.ts';
import { type Abandon, type Call, type Reply, revive, type Stop } from './workerMessages.ts';

/** Whether this is the source, run through tsx or vitest, and not the build. */
const FROM_SOURCE = import.meta.url.endsWith('.ts');

/**
 * Where built workers lie: in dist/workers, or where the environment says (the tests build theirs once, which loads in
 * half the time).
 * @returns undefined when there are none: each is its source
 */
const builtWorkers = () =>
  process.env['VALET_WORKERS'] ?? (FROM_SOURCE ? undefined : join(packageRoot(), 'dist', 'workers'));

/**
 * Starts the worker `name` (a path below src/ without extension, such as `train/trainer.worker`). Built, every worker
 * is a file of its own; from source it is the TypeScript file, loaded through tsx.
 */
function startWorker(name: string, workerData?: unknown): Worker {
  const built = builtWorkers();
  const path = built ? join(built, `${name.replaceAll('/', '-')}.js`) : join(packageRoot(), 'src', `${name}.ts`);
  if (!existsSync(path)) throw new ValetError('startWorker', `no worker named ${name} (expected ${path}).`);
  const { href } = pathToFileURL(path);
  // What the program was started with (a loader, --input-type) is not for a built file: Node refuses some of it.
  if (built) return new Worker(new URL(href), { workerData, execArgv: [] });
  const load = `import(${JSON.stringify(href)})`;
  const boot = `import('tsx/esm/api').then(({ register }) => { register(); return ${load}; })`;
  return new Worker(boot, { eval: true, workerData });
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Waits until nothing runs on a thread, or it is gone. */
async function untilIdle(state: WorkState, gone: () => boolean = () => false): Promise<void> {
  for (let ms = 1; !gone() && !state.idle; ms = Math.min(20, 2 * ms)) await sleep(ms);
}

/** The workers of this thread. */
const alive = new Set<WorkerClient>();

/** Ends all workers of this thread, and theirs, each when no native call runs on it. */
export async function stopWorkers(): Promise<void> {
  await Promise.all([...alive].map((client) => client.close()));
}

let exitCode: number | undefined;

/**
 * Ends the process with an exit code, once no thread of it is within a native call. Nothing of what they do is waited
 * for beyond that. Of several ends the first one gives the code: the work that it stops may fail and ask for another.
 */
export async function endProcess(code: number): Promise<never> {
  exitCode ??= code;
  await stopWorkers();
  await untilIdle(ownWork);
  process.exit(exitCode);
}

/**
 * The calling side of `answerCalls`: one worker, many calls under way; every pending call fails when the worker dies.
 */
export class WorkerClient {
  private readonly pending = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  private next = 0;
  private dead: Error | undefined;
  private exited = false;
  /** Settles when the worker is gone, by `close` or its own death. */
  readonly gone: Promise<void>;
  /** Hears what the worker sends that answers no call. */
  onMessage: ((message: unknown) => void) | undefined;

  private constructor(
    readonly name: string,
    private readonly worker: Worker,
    private readonly state: WorkState,
  ) {
    alive.add(this);
    this.gone = new Promise((resolve) => worker.once('exit', () => resolve()));
    worker.on('message', (reply: Reply) => {
      const waiting = this.pending.get(reply.id);
      if (!waiting) return void this.onMessage?.(reply);
      this.pending.delete(reply.id);
      if (reply.error) waiting.reject(revive(reply.error));
      else waiting.resolve(reply.value as never);
      if (this.pending.size === 0) worker.unref();
    });
    worker.on('error', (error) =>
      this.fail(new ValetError(name, `the worker died: ${(error as Error).message}`, 'failure', { cause: error })),
    );
    worker.on('exit', (code) => {
      this.exited = true;
      alive.delete(this);
      // While it lived, this thread could not be ended: it would have taken its worker with it.
      ownWork.leave();
      this.fail(new ValetError(name, `the worker ended (exit code ${code}).`));
    });
    worker.unref();
  }

  /**
   * Starts the worker `name`; `workerData` is what it finds in `node:worker_threads`.
   * @throws AbandonedError on a thread that must stop
   */
  static start(name: string, workerData: object = {}): WorkerClient {
    if (!ownWork.enter()) throw new AbandonedError(name);
    try {
      const state = new WorkState();
      // Loading its modules is work too; `answerCalls` ends it.
      state.enter();
      return new WorkerClient(name, startWorker(name, { ...workerData, [WORK_STATE]: state.words }), state);
    } catch (error) {
      ownWork.leave();
      throw error;
    }
  }

  /** It answers no more: it was closed, or died. */
  get isDead(): boolean {
    return this.dead !== undefined;
  }

  /**
   * @param options.transfer buffers that move instead of being copied
   * @param options.signal once it is aborted nobody waits for the answer: the worker gives the work up at its next step
   */
  call<T>(
    method: string,
    argument?: unknown,
    { transfer = [], signal }: { readonly transfer?: ArrayBuffer[]; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<T> {
    if (this.dead) return Promise.reject(this.dead);
    const id = this.next++;
    const abandon = () => {
      this.state.abandon(id);
      this.worker.postMessage({ abandon: id } satisfies Abandon);
    };
    return new Promise<T>((resolve, reject) => {
      this.pending.set(id, { resolve, reject });
      this.worker.ref();
      this.worker.postMessage({ id, method, argument } satisfies Call, transfer);
      if (signal?.aborted) abandon();
      else signal?.addEventListener('abort', abandon);
    }).finally(() => signal?.removeEventListener('abort', abandon));
  }

  /**
   * Ends the worker: pending calls fail at once, it begins nothing new, and is ended when no native call runs on it.
   * Settles when it is gone.
   */
  async close(): Promise<void> {
    this.fail(new ValetError(this.name, 'the worker was closed.'));
    if (this.exited) return;
    this.state.stop();
    this.worker.postMessage({ stop: true } satisfies Stop);
    await untilIdle(this.state, () => this.exited);
    await this.worker.terminate();
  }

  private fail(error: Error): void {
    this.dead ??= error;
    for (const { reject } of this.pending.values()) reject(this.dead);
    this.pending.clear();
  }
}

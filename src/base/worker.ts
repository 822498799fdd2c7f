import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parentPort, Worker } from 'node:worker_threads';
import { ValetError } from './errors.ts';
import { packageRoot } from './packageRoot.ts';

/** Whether this is the source, run through tsx or vitest, and not the build. */
const FROM_SOURCE = import.meta.url.endsWith('.ts');

/**
 * Starts the worker `name` (a path below src/ without extension, such as `train/trainer.worker`). Built, every worker
 * is a file of its own in dist/workers; from source it is the TypeScript file, loaded through tsx.
 */
function startWorker(name: string, workerData?: unknown): Worker {
  const path = FROM_SOURCE
    ? join(packageRoot(), 'src', `${name}.ts`)
    : join(packageRoot(), 'dist', 'workers', `${name.replaceAll('/', '-')}.js`);
  if (!existsSync(path)) throw new ValetError('startWorker', `no worker named ${name} (expected ${path}).`);
  const { href } = pathToFileURL(path);
  if (!FROM_SOURCE) return new Worker(new URL(href), { workerData });
  const load = `import(${JSON.stringify(href)})`;
  const boot = `import('tsx/esm/api').then(({ register }) => { register(); return ${load}; })`;
  return new Worker(boot, { eval: true, workerData });
}

type Handlers = Record<string, (argument: never) => unknown>;
interface Call {
  id: number;
  method: string;
  argument: unknown;
}
/** What an error of the operating system says beside its message. */
interface SystemFields {
  code: string | undefined;
  syscall: string;
  path: string | undefined;
}
interface Reply {
  id: number;
  value?: unknown;
  error?: {
    name: string;
    message: string;
    stack?: string;
    where?: string;
    kind?: string;
    system?: SystemFields | undefined;
  };
}

/** A value to send with buffers that move instead of being copied. */
export class Transfer<T> {
  constructor(
    readonly value: T,
    readonly buffers: ArrayBuffer[],
  ) {}
}

/** In a worker: answers calls by name, one after the other. A handler may return a `Transfer`. */
export function answerCalls(handlers: Handlers): void {
  const port = parentPort;
  if (!port) throw new ValetError('answerCalls', 'only a worker thread can answer calls.');
  let queue: Promise<void> = Promise.resolve();
  port.on('message', ({ id, method, argument }: Call) => {
    queue = queue.then(async () => {
      try {
        const handler = handlers[method];
        if (!handler) throw new ValetError('worker', `no method ${method}.`);
        const result = await handler(argument as never);
        if (result instanceof Transfer) port.postMessage({ id, value: result.value }, result.buffers);
        else port.postMessage({ id, value: result });
      } catch (error) {
        const { name, message, stack, where, kind } = error as ValetError;
        const { code, syscall, path } = error as NodeJS.ErrnoException;
        const system = syscall ? { code, syscall, path } : undefined;
        port.postMessage({ id, error: { name, message, stack, where, kind, system } });
      }
    });
  });
}

/**
 * The calling side of `answerCalls`: one worker, many calls under way; every pending call fails when the worker dies.
 */
export class WorkerClient {
  private readonly pending = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  private next = 0;
  private dead: Error | undefined;

  constructor(
    readonly name: string,
    readonly worker: Worker,
  ) {
    worker.on('message', (reply: Reply) => {
      const waiting = this.pending.get(reply.id);
      if (!waiting) return;
      this.pending.delete(reply.id);
      if (reply.error) waiting.reject(revive(reply.error));
      else waiting.resolve(reply.value as never);
      if (this.pending.size === 0) worker.unref();
    });
    worker.on('error', (error) =>
      this.fail(new ValetError(name, `the worker died: ${(error as Error).message}`, 'failure', { cause: error })),
    );
    worker.on('exit', (code) => this.fail(new ValetError(name, `the worker ended (exit code ${code}).`)));
    worker.unref();
  }

  static start(name: string, workerData?: unknown): WorkerClient {
    return new WorkerClient(name, startWorker(name, workerData));
  }

  call<T>(method: string, argument?: unknown, transfer: ArrayBuffer[] = []): Promise<T> {
    if (this.dead) return Promise.reject(this.dead);
    return new Promise<T>((resolve, reject) => {
      const id = this.next++;
      this.pending.set(id, { resolve, reject });
      this.worker.ref();
      this.worker.postMessage({ id, method, argument }, transfer);
    });
  }

  async close(): Promise<void> {
    this.fail(new ValetError(this.name, 'the worker was closed.'));
    await this.worker.terminate();
  }

  private fail(error: Error): void {
    this.dead ??= error;
    for (const { reject } of this.pending.values()) reject(this.dead);
    this.pending.clear();
  }
}

function revive({ message, stack, where, kind, system }: NonNullable<Reply['error']>): Error {
  const prefix = `${where}: `;
  const error = where
    ? new ValetError(where, message.startsWith(prefix) ? message.slice(prefix.length) : message, kind as never)
    : Object.assign(new Error(message), system);
  if (stack) error.stack = stack;
  return error;
}

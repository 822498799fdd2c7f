import { availableParallelism } from 'node:os';
import { present, WorkerClient } from '../../base/index.ts';
import { type CopyJob, type CopyTask, copyTask } from './copyTask.ts';
import { bytesOf, elementsOf } from './storedLeaf.ts';
import { STORED_BYTES } from './storedType.ts';

export type { CopyJob } from './copyTask.ts';

/** A leaf of at most so many bytes is gathered in memory and written at once. */
const GATHER_BYTES = 2 ** 26;
/** Less than this is copied faster than a thread starts. */
const ALONE_BYTES = 2 ** 26;

/**
 * Copies leaves into files, turning their type, in worker threads: each reads, unpacks, turns and writes on its own, in
 * little memory (peak about 150 MB per thread, whatever the size of a leaf).
 * @param options.copied called with the unpacked bytes of what was just done
 * @param options.signal stops before the next task
 * @throws InputError that names the file when one is missing, cut off or damaged
 */
export async function copyLeaves(
  jobs: readonly CopyJob[],
  options: { threads?: number; copied?: (bytes: number) => void; signal?: AbortSignal } = {},
): Promise<void> {
  // large ones first: none is left alone at the end
  const tasks = jobs.flatMap(tasksOf).sort((a, b) => b.bytes - a.bytes);
  if (tasks.reduce((sum, { bytes }) => sum + bytes, 0) <= ALONE_BYTES) {
    for (const task of tasks) {
      options.signal?.throwIfAborted();
      await copyTask(task);
      options.copied?.(task.bytes);
    }
    return;
  }
  const count = Math.max(1, Math.min(options.threads ?? Math.min(availableParallelism(), 8), tasks.length));
  const workers = Array.from({ length: count }, () => WorkerClient.start('model/formats/copy.worker'));
  try {
    let next = 0;
    await Promise.all(
      workers.map(async (worker) => {
        while (next < tasks.length) {
          options.signal?.throwIfAborted();
          const task = present(tasks[next++], 'tasks[next++]');
          await worker.call('copy', task);
          options.copied?.(task.bytes);
        }
      }),
    );
  } finally {
    await Promise.all(workers.map((worker) => worker.close()));
  }
}

function tasksOf(job: CopyJob): CopyTask[] {
  const { leaf } = job;
  const total = bytesOf(leaf);
  const wide = elementsOf(leaf.shape) * STORED_BYTES[job.dtype];
  if (total === 0) return [];
  if (leaf.chunks.length <= 1 || leaf.fill || Math.max(total, wide) <= GATHER_BYTES)
    return [{ ...job, chunks: leaf.chunks, gather: leaf.chunks.length !== 1 && wide <= GATHER_BYTES, bytes: total }];
  const slim = { ...job, leaf: { ...leaf, chunks: [] } };
  return leaf.chunks.map((chunk) => ({
    ...slim,
    chunks: [chunk],
    gather: false,
    bytes: Math.round(total / leaf.chunks.length),
  }));
}

import { WorkerClient } from '../../base/index.ts';
import type { Picture, Planner, PlanRequest, PlanTiming, Prediction, Robot } from '../../robot/index.ts';
import type { CheckpointSession } from '../checkpoint.ts';
import type { PlannerOptions } from './planner.ts';

/** A planner in a worker thread: the calling thread only sends requests and gets predictions. */
export class PlannerClient implements Planner {
  /** Settles when the worker is gone, by `close`, `kill` or its own death. */
  readonly died: Promise<void>;
  private constructor(
    private readonly worker: WorkerClient,
    readonly imageSize: number,
    readonly robot: Robot,
    /** The stages of the checkpoint's tasks, and how its plans are executed. */
    readonly session: CheckpointSession,
    /** What it takes in memory, estimated (`inferenceMemory` of every batch size). */
    readonly bytes: number,
    private readonly onPass: PlannerOptions['onPass'],
  ) {
    this.died = worker.gone;
  }

  /**
   * Loads the checkpoint folder in a worker; resolves when plans can be made. `admit` learns how much memory it will
   * take before it takes it, and may throw. Aborting the signal gives it up.
   * @throws InputError for a bad checkpoint
   */
  static async start(
    checkpoint: string,
    { onPass, ...options }: PlannerOptions = {},
    admit?: (bytes: number) => void | Promise<void>,
    signal?: AbortSignal,
  ): Promise<PlannerClient> {
    signal?.throwIfAborted();
    const worker = WorkerClient.start('model/planning/planner.worker', { checkpoint, options });
    const giveUp = () => void worker.close();
    signal?.addEventListener('abort', giveUp);
    try {
      const { bytes } = admit ? await worker.call<{ bytes: number }>('measure') : { bytes: 0 };
      await admit?.(bytes);
      type Opened = Pick<PlannerClient, 'imageSize' | 'robot' | 'session'>;
      const { imageSize, robot, session } = await worker.call<Opened>('open');
      return new PlannerClient(worker, imageSize, robot, session, bytes, onPass);
    } catch (error) {
      await worker.close();
      throw error;
    } finally {
      signal?.removeEventListener('abort', giveUp);
    }
  }

  get isDead(): boolean {
    return this.worker.isDead;
  }

  async plan(
    requests: readonly PlanRequest[],
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): Promise<Prediction[]> {
    const sent = requests.map(alone);
    const memory = sent.flatMap(({ pictures }) => Object.values(pictures).map(({ data }) => data.buffer));
    const buffers = memory.filter((buffer): buffer is ArrayBuffer => buffer instanceof ArrayBuffer);
    type Reply = { predictions: Prediction[]; passes: PlanTiming[] };
    const { predictions, passes } = await this.worker.call<Reply>('plan', sent, {
      transfer: [...new Set(buffers)],
      signal,
    });
    if (this.onPass) for (const pass of passes) this.onPass(pass);
    return predictions;
  }

  async close(): Promise<void> {
    await this.worker.call('close').catch(() => {});
    await this.worker.close();
  }

  /** Ends the worker after the native call that it is in; what it was doing fails at once. */
  async kill(): Promise<void> {
    await this.worker.close();
  }
}

/**
 * The request with pictures of their own, which move to the worker: a picture that is a view of a message would take
 * the whole message with it. One in memory that threads share stays there; the worker reads it in place.
 */
function alone(request: PlanRequest): PlanRequest {
  const pictures: Record<string, Picture> = {};
  for (const [camera, picture] of Object.entries(request.pictures)) {
    const shared = picture.data.buffer instanceof SharedArrayBuffer;
    pictures[camera] = shared ? picture : { ...picture, data: new Uint8Array(picture.data) };
  }
  return { ...request, pictures };
}

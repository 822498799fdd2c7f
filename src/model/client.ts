import { WorkerClient } from '../base/index.ts';
import type { Planner, PlanRequest, Prediction } from './plan.ts';
import type { PlannerOptions } from './planner.ts';

/** A planner in a worker thread: the calling thread only sends requests and gets predictions. */
export class PlannerClient implements Planner {
  private constructor(
    private readonly worker: WorkerClient,
    readonly imageSize: number,
  ) {}

  /** Loads the checkpoint folder in a worker; resolves when plans can be made. @throws InputError for a bad checkpoint */
  static async start(checkpoint: string, options: PlannerOptions = {}): Promise<PlannerClient> {
    const worker = WorkerClient.start('model/planner.worker', { checkpoint, options });
    try {
      const { imageSize } = await worker.call<{ imageSize: number }>('open');
      return new PlannerClient(worker, imageSize);
    } catch (error) {
      await worker.close();
      throw error;
    }
  }

  plan(requests: readonly PlanRequest[]): Promise<Prediction[]> {
    return this.worker.call('plan', requests);
  }

  async close(): Promise<void> {
    await this.worker.call('close').catch(() => {});
    await this.worker.close();
  }
}

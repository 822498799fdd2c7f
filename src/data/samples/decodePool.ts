import { availableParallelism } from 'node:os';
import { WorkerClient } from '../../base/index.ts';
import type { OpenRequest } from './decode.worker.ts';

/** Worker threads that have the data sets of some samples open. */
export class DecodePool {
  private constructor(readonly clients: readonly WorkerClient[]) {}

  /** @param workers threads; one per core when left out. @throws InputError when a data set cannot be opened */
  static async open(request: OpenRequest, workers = availableParallelism()): Promise<DecodePool> {
    const clients = Array.from({ length: Math.max(1, workers) }, () =>
      WorkerClient.start('data/samples/decode.worker'),
    );
    const pool = new DecodePool(clients);
    try {
      await Promise.all(clients.map((client) => client.call('open', request)));
    } catch (error) {
      await pool.close();
      throw error;
    }
    return pool;
  }

  async close(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close()));
  }
}

import type { Planner, PlanRequest, Prediction } from '../model/plan.ts';

interface Waiting {
  readonly request: PlanRequest;
  readonly resolve: (prediction: Prediction) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * A planner whose requests share passes: while one pass runs, those that arrive wait, and the next pass takes up to `size`
 * of them, the oldest first. A lone request never waits for company. When a shared pass fails, each of its requests is tried
 * alone, so that one robot's bad request is no other robot's failure.
 */
export class BatchingPlanner implements Planner {
  private readonly waiting: Waiting[] = [];
  private running = false;

  constructor(
    private readonly planner: Planner,
    private readonly size: number,
  ) {}

  get imageSize(): number {
    return this.planner.imageSize;
  }

  plan(requests: readonly PlanRequest[]): Promise<Prediction[]> {
    const predictions = requests.map(
      (request) => new Promise<Prediction>((resolve, reject) => this.waiting.push({ request, resolve, reject })),
    );
    void this.run();
    return Promise.all(predictions);
  }

  close(): Promise<void> {
    return this.planner.close();
  }

  private async run(): Promise<void> {
    if (this.running) return;
    this.running = true;
    while (this.waiting.length > 0) await this.pass(this.waiting.splice(0, this.size));
    this.running = false;
  }

  private async pass(batch: readonly Waiting[]): Promise<void> {
    try {
      const predictions = await this.planner.plan(batch.map(({ request }) => request));
      for (const [i, { resolve }] of batch.entries()) resolve(predictions[i]!);
    } catch (error) {
      if (batch.length === 1) batch[0]!.reject(error);
      else for (const one of batch) await this.pass([one]);
    }
  }
}

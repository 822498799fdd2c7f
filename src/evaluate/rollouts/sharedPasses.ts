import type { Planner } from '../../robot/index.ts';
import { BatchingPlanner } from '../../serve/index.ts';

export { batchSizes } from '../../serve/index.ts';

/**
 * One network for the episodes of one thread: they plan in one pass once each of them has asked, as robots of a server
 * do. A plan is the same bit for bit, whoever shares its pass.
 */
export class SharedPasses {
  private readonly batching: BatchingPlanner;
  private playing = 0;

  /** @param size the most episodes under way at a time */
  constructor(planner: Planner, size: number) {
    // Each one plans once in so many steps: nobody waits longer than that, so no clock is needed.
    this.batching = new BatchingPlanner(planner, {
      size,
      waitMs: Number.POSITIVE_INFINITY,
      expected: () => this.playing,
    });
  }

  /** An episode begins, with a planner of its own; while it has not left, the others wait for it. */
  join(signal: AbortSignal | undefined): { readonly planner: Planner; readonly leave: () => void } {
    const { batching } = this;
    let here = true;
    this.playing++;
    const planner: Planner = {
      robot: batching.robot,
      imageSize: batching.imageSize,
      plan: (requests) => batching.plan(requests, { signal }),
      close: async () => {},
    };
    const leave = () => {
      if (!here) return;
      here = false;
      this.playing--;
      batching.companyChanged();
    };
    return { planner, leave };
  }
}

import type { Planner, PlanRequest, Prediction, Robot } from '../robot/index.ts';

export interface ArithmeticPlannerOptions {
  /** Side in pixels of the pictures that it asks for. */
  readonly imageSize?: number;
  /** Stages that it can vote for; the request's stage must be below. */
  readonly stages?: number;
  /** What every number of a plan grows by from row to row. */
  readonly growth?: number;
}

/**
 * A planner without a network, for tests of whatever stands around one: its plans can be computed by hand.
 * Row t is the state plus `growth` · t, and the stage logits vote for the request's stage.
 */
export class ArithmeticPlanner implements Planner {
  readonly imageSize: number;
  /** All requests so far, in their order. */
  readonly requests: PlanRequest[] = [];
  private readonly stages: number;
  private readonly growth: number;

  constructor(
    readonly robot: Robot,
    { imageSize = 8, stages = 15, growth = 0.01 }: ArithmeticPlannerOptions = {},
  ) {
    this.imageSize = imageSize;
    this.stages = stages;
    this.growth = growth;
  }

  async plan(requests: readonly PlanRequest[]): Promise<Prediction[]> {
    this.requests.push(...requests);
    return requests.map((request) => this.planned(request));
  }

  async close(): Promise<void> {}

  private planned({ state, stage }: PlanRequest): Prediction {
    const { horizon, width } = this.robot;
    const actions = new Float64Array(horizon * width);
    for (let t = 0; t < horizon; t++)
      actions.set(
        Float64Array.from(state, (x) => x + this.growth * t),
        t * width,
      );
    const stageLogits = Float32Array.from({ length: this.stages }, (_, i) => (i === stage ? 1 : -1));
    return { actions, horizon, stageLogits };
  }
}

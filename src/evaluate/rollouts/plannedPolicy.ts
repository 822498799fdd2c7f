import { createPolicy } from '../../control/index.ts';
import type { Observation, Planner, PlanRecord, PlanTiming, Policy, PolicyNote, Session } from '../../robot/index.ts';

/** A network behind its System 2 that tells of each plan. */
export class RecordedPlans implements Policy {
  plan: PlanRecord | undefined;
  private readonly policy: Policy;

  /** @param partsOf the parts of the planner's last pass @param planner of this policy alone while it acts */
  constructor(planner: Planner, session: Session, partsOf: () => PlanTiming | undefined) {
    this.policy = createPolicy({ planner: this.watched(planner, partsOf), session });
  }

  get robot() {
    return this.policy.robot;
  }

  get note(): PolicyNote | undefined {
    return this.policy.note;
  }

  reset(): Promise<void> {
    this.plan = undefined;
    return this.policy.reset();
  }

  act(observation: Observation): Promise<Float32Array> {
    this.plan = undefined;
    return this.policy.act(observation);
  }

  close(): Promise<void> {
    return this.policy.close();
  }

  private watched(planner: Planner, partsOf: () => PlanTiming | undefined): Planner {
    return {
      imageSize: planner.imageSize,
      robot: planner.robot,
      plan: async (requests) => {
        const started = performance.now();
        const predictions = await planner.plan(requests);
        const [request, prediction] = [requests[0], predictions[0]];
        this.plan = {
          ms: performance.now() - started,
          parts: partsOf(),
          ...(prediction && { actions: prediction.actions }),
          kept: request?.prefix?.rows ?? 0,
          ...(prediction?.heads && { heads: prediction.heads }),
        };
        return predictions;
      },
      close: () => planner.close(),
    };
  }
}

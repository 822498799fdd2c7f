import { createPolicy } from '../../control/index.ts';
import type { Observation, Planner, PlanRecord, PlanTiming, Policy, PolicyNote, Session } from '../../robot/index.ts';

/** A network behind its System 2 that tells of each plan. */
export class RecordedPlans implements Policy {
  plan: PlanRecord | undefined;
  private readonly policy: Policy;

  /** The planner stays open when the policy is closed. */
  constructor(
    planner: Planner,
    session: Session,
    private readonly options: {
      /** The parts of the planner's last pass. */
      readonly partsOf: () => PlanTiming | undefined;
      readonly onClose?: (() => void) | undefined;
    },
  ) {
    this.policy = createPolicy({ planner: this.watched(planner), session });
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

  async close(): Promise<void> {
    await this.policy.close();
    this.options.onClose?.();
  }

  private watched(planner: Planner): Planner {
    return {
      imageSize: planner.imageSize,
      robot: planner.robot,
      plan: async (requests) => {
        const predictions = await planner.plan(requests);
        const [request, prediction] = [requests[0], predictions[0]];
        const parts = this.options.partsOf();
        this.plan = {
          // Of the pass alone: the wait for others who share it is none of the network's time.
          ms: parts ? parts.prepareMs + parts.prefixMs + parts.denoiseMs : 0,
          parts,
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

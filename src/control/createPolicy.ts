import { ValetError } from '../base/index.ts';
import type { Observation, Planner, Policy, PolicyNote, Session } from '../robot/index.ts';

/** The network behind its System 2. The planner may be shared with other robots; `close` leaves it open. One call at a time. */
export function createPolicy({ planner, session }: { planner: Planner; session: Session }): Policy {
  return new PlannedPolicy(planner, session);
}

class PlannedPolicy implements Policy {
  private busy = false;

  constructor(
    private readonly planner: Planner,
    private readonly session: Session,
  ) {}

  get note(): PolicyNote {
    return this.session.note;
  }

  async reset(): Promise<void> {
    this.free();
    this.session.reset();
  }

  async act(observation: Observation): Promise<Float32Array> {
    this.free();
    this.busy = true;
    try {
      this.session.observe(observation);
      if (this.session.needsPlan()) {
        const [prediction] = await this.planner.plan([this.session.planRequest()]);
        this.session.accept(prediction!);
      }
      return this.session.next();
    } finally {
      this.busy = false;
    }
  }

  async close(): Promise<void> {}

  private free(): void {
    if (this.busy) throw new ValetError('policy', 'called while it still acts. Wait for the last call.');
  }
}

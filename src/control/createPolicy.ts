import { InputError, ValetError } from '../base/index.ts';
import {
  type Observation,
  type Planner,
  type Policy,
  type PolicyNote,
  type Robot,
  type Session,
  sameRobot,
} from '../robot/index.ts';

/** A policy that knows its robot. */
export interface PlannedPolicy extends Policy {
  readonly robot: Robot;
}

/**
 * The network behind its System 2. The planner may be shared with other robots; `close` leaves it open. One call at a
 * time.
 * @throws InputError when planner and session are of different robots
 */
export function createPolicy({ planner, session }: { planner: Planner; session: Session }): PlannedPolicy {
  if (!sameRobot(planner.robot, session.robot))
    throw new InputError(
      'createPolicy',
      `the planner plans for the robot ${planner.robot.name}, the session is for ${session.robot.name}. ` +
        'Make it by createSession({ robot: planner.robot }).',
    );
  return new SessionPolicy(planner, session);
}

class SessionPolicy implements PlannedPolicy {
  private busy = false;

  constructor(
    private readonly planner: Planner,
    private readonly session: Session,
  ) {}

  get robot(): Robot {
    return this.session.robot;
  }

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
      // The door of observations that come from the same process; those of the wire are checked when they are read.
      const bad = observation.proprioception.findIndex((value) => !Number.isFinite(value));
      if (bad >= 0)
        throw new InputError(
          'policy',
          `the proprioception is not finite (got ${observation.proprioception[bad]} at ${bad}).`,
        );
      this.session.observe(observation);
      if (this.session.needsPlan()) {
        const [prediction] = await this.planner.plan([this.session.planRequest()]);
        if (!prediction) throw new ValetError('policy', 'the planner answered without a plan.');
        this.session.accept(prediction);
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

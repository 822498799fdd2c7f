import { InputError } from '../../base/index.ts';
import type { PerturbationRecord } from '../../home/index.ts';
import type { Observation, Robot } from '../../robot/index.ts';

/**
 * What a policy is tried in, one episode after the other. `Household` of valet's home is one; so is any simulator with
 * these.
 */
export interface Environment {
  /** Whose observations it gives and whose actions it takes. */
  readonly robot: Robot;
  /** Time-out, control steps. */
  readonly maxSteps: number;
  /** Control steps played since the reset. */
  readonly steps: number;
  /** Starts an episode; the same number gives the same one. */
  reset(instance: number): void;
  /** What the robot senses now; good until the next step. */
  observation(): Observation;
  /** Plays one action [width] for one control step. `invalid`: why the episode does not count. */
  step(action: ArrayLike<number>): { readonly done: boolean; readonly success: boolean; readonly invalid?: string };
  /** The score in 0…1 if the episode ended now. */
  q(): number;
  /** Metres travelled by the base and by each hand since the reset. */
  distances?(): { base: number; left: number; right: number };
  /** What goes wrong in it, and what has become of that. */
  perturbations?(): PerturbationRecord[];
  /** The goal's literals, whether each holds now, and whether it held at the start. */
  goal?(): { readonly literals: { text: string; value: boolean; initial: boolean }[] };
}

/**
 * Checks that a policy's robot can act where another stands: the same parts, grippers and rate, and senses that the
 * other has.
 * @throws InputError that names what differs
 */
export function requireFit(policy: Robot, environment: Robot): void {
  const layout = ({ parts }: Robot) => parts.map(({ kind, columns }) => `${kind} ${columns.join('…')}`).join(', ');
  const differences: string[] = [];
  if (policy.width !== environment.width)
    differences.push(`actions of ${policy.width} numbers (expected ${environment.width})`);
  else if (layout(policy) !== layout(environment))
    differences.push(`parts ${layout(policy)} (expected ${layout(environment)})`);
  if (JSON.stringify(policy.grippers) !== JSON.stringify(environment.grippers))
    differences.push('grippers with other columns or limits');
  if (policy.rate !== environment.rate)
    differences.push(`${policy.rate} actions a second (expected ${environment.rate})`);
  const [senses] = environment.proprioception.layouts;
  const known = policy.proprioception.layouts.find(({ length }) => length === senses?.length);
  if (!known || JSON.stringify(known.state) !== JSON.stringify(senses?.state))
    differences.push('another layout of proprioception');
  const unseen = policy.cameraNames.filter((name) => !environment.cameraNames.includes(name));
  if (unseen.length > 0) differences.push(`cameras ${unseen.join(', ')}, which are not here`);
  if (differences.length > 0)
    throw new InputError(
      'evaluate',
      `the policy's robot ${policy.name} is not ${environment.name}: it has ${differences.join('; ')}.`,
    );
}

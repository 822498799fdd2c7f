import { decodePictures } from '../../picture/index.ts';
import type { Observation, Policy, Robot } from '../../robot/index.ts';
import type { ActionSource, Step } from './actionSource.ts';
import { PlanError } from './planError.ts';

/**
 * Any policy at this end of the wire: an expert, a recording, another server. It sees every observation, so steps come
 * one by one.
 */
export class PolicyActions implements ActionSource {
  constructor(
    private readonly policy: Policy,
    private readonly robot: Robot,
    private readonly maxPictureBytes?: number,
  ) {}

  reset(): Promise<void> {
    return this.policy.reset();
  }

  /** @throws PlanError for an action that is not as many finite numbers as the robot's actions have */
  async act(observation: Observation): Promise<Step[]> {
    const pictures = await decodePictures(observation.pictures, this.maxPictureBytes);
    const action = await this.policy.act({ ...observation, pictures });
    const { width, name } = this.robot;
    if (action.length !== width || !action.every(Number.isFinite))
      throw new PlanError('action', `is not ${width} finite numbers (an action of robot ${name}).`);
    return [{ action, note: this.policy.note }];
  }

  close(): Promise<void> {
    return this.policy.close();
  }
}

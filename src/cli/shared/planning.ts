import { type Command, Option } from 'commander';
import type { PlannerOptions } from '../../model/index.ts';
import { DEVICES, type Device } from '../../tensor/index.ts';
import { refuseIdle } from './given.ts';
import { numberOption, positive, share } from './numbers.ts';
import { addStatisticsOption } from './otherStatistics.ts';
import type { SessionOptionValues } from './session.ts';

const noiseScale = numberOption('a number from 0 to 10', (value) => value >= 0 && value <= 10);

/** What `addPlanningOptions` adds. */
export interface PlanningOptionValues {
  readonly samplingSteps?: number;
  readonly noiseScale?: number;
  readonly timeThresholdInpaint?: number;
  readonly correlationBeta?: number;
  readonly correlatedNoise: boolean;
  readonly device: Device;
  readonly precision: 'float32' | 'float16';
  readonly otherStatistics: boolean;
}

/** Their names. */
export const PLANNING_OPTIONS = [
  'samplingSteps',
  'noiseScale',
  'timeThresholdInpaint',
  'correlationBeta',
  'correlatedNoise',
  'device',
  'precision',
  'otherStatistics',
] as const satisfies readonly (keyof PlanningOptionValues)[];

/** Refuses planning and session options that another one of them makes idle. @throws InputError */
export function refuseIdlePlanning(command: Command, options: PlanningOptionValues & SessionOptionValues): void {
  if (!options.correlatedNoise) refuseIdle(command, ['correlationBeta'], 'with --no-correlated-noise');
  if (options.keepActions === 0) refuseIdle(command, ['timeThresholdInpaint'], 'with --keep-actions 0');
  if (options.task !== undefined) refuseIdle(command, ['defaultTask'], 'with --task');
}

/** How a checkpoint's plans are drawn and computed, alike in every command that plans. */
export function addPlanningOptions(command: Command): Command {
  return addStatisticsOption(command)
    .option('--sampling-steps <n>', "flow steps of a plan (the checkpoint's own by default)", positive)
    .option('--noise-scale <s>', "factor on the starting noise: below 1 plans vary less (the checkpoint's)", noiseScale)
    .option('--time-threshold-inpaint <t>', 'hold kept actions while the flow time is above this', share)
    .option('--correlation-beta <share>', "share of the data's correlation in the starting noise", share)
    .option('--no-correlated-noise', 'start plans from white noise')
    .addOption(new Option('--device <name>', 'what computes the network').choices(DEVICES).default('cpu'))
    .addOption(
      new Option('--precision <type>', 'in what it computes').choices(['float32', 'float16']).default('float32'),
    );
}

/** The same for a planner; what was not said is left out. */
export function plannerOptions(options: PlanningOptionValues) {
  const {
    samplingSteps,
    noiseScale: scale,
    timeThresholdInpaint,
    correlationBeta,
    correlatedNoise,
    device,
    precision,
  } = options;
  const { otherStatistics } = options;
  return {
    device,
    precision,
    ...(samplingSteps !== undefined && { samplingSteps }),
    ...(scale !== undefined && { noiseScale: scale }),
    ...(timeThresholdInpaint !== undefined && { timeThresholdInpaint }),
    ...(correlationBeta !== undefined && { correlationBeta }),
    ...(!correlatedNoise && { useCorrelatedNoise: false }),
    ...(otherStatistics && { otherStatistics }),
  } satisfies PlannerOptions;
}

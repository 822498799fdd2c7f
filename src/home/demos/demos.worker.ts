import { answerCalls, InputError, Random, ValetError } from '../../base/index.ts';
import { createPolicy, createSession, dropPlan, goOnFrom } from '../../control/index.ts';
import { type EncodedEpisode, type EpisodeLayout, encodeEpisode } from '../../data/index.ts';
import { type CheckpointSession, checkpointSession, createPlanner, readCheckpoint } from '../../model/index.ts';
import { type Planner, type Robot, sameRobot } from '../../robot/index.ts';
import { createExpert, type Expert } from '../expert/index.ts';
import { openHousehold } from '../tasks/index.ts';
import { HOUSEHOLD_ROBOT, type Household } from '../world/index.ts';
import { correctRollout, type HelpedPolicy } from './correct.ts';
import { clipDemonstration, wholeDemonstration } from './demonstrate.ts';
import type { Demonstration } from './episodeLog.ts';

/** How demonstrations are made; the same for all units of a run. */
export interface DemoSettings {
  readonly folder: string;
  readonly layout: EpisodeLayout;
  readonly imageSize: number;
  readonly seed: number;
  /** Window length in seconds; whole scenes when absent. */
  readonly clipSeconds?: number;
  readonly disturbance: number;
  /** Share of the corrected scenes that begin late. */
  readonly late: number;
  /** Windows begin in the first so many seconds of a scene. */
  readonly until?: number | undefined;
  /** Pictures are drawn in every n-th frame alone. */
  readonly picturesEvery?: number | undefined;
  /** Checkpoint folder of the policy to correct. */
  readonly correct?: string;
  /** Correct it also with statistics that it was not trained with. */
  readonly otherStatistics?: boolean | undefined;
}

/** One scene to play: what comes of it depends on the settings and on these numbers alone. */
export interface DemoUnit {
  readonly task: string;
  /** Instances to try one after the other until the expert succeeds. */
  readonly instances: readonly number[];
}

/** What a scene gave. Its episodes wait in the worker until they are told their numbers. */
export interface DemoPlayed {
  readonly episodes: number;
  /** Scenes in which the expert failed. */
  readonly failures: number;
  /** Corrections: whether the policy (helped now and then) reached the goal. */
  readonly policySuccess?: boolean;
}

let settings: DemoSettings;
const worlds = new Map<string, { household: Household; expert: Expert }>();
let corrected: { readonly planner: Planner; readonly robot: Robot; readonly settings: CheckpointSession } | undefined;
let waiting: readonly Demonstration[] = [];

async function world(task: string) {
  let found = worlds.get(task);
  if (!found) {
    const household = await openHousehold(task, { imageSize: settings.imageSize });
    found = { household, expert: createExpert(household) };
    worlds.set(task, found);
  }
  return found;
}

/** The policy for one scene: its noise depends on the scene alone, not on what this worker has played before. */
async function correcting(checkpoint: string, scene: string): Promise<HelpedPolicy> {
  if (!corrected) {
    const opened = await readCheckpoint(checkpoint, settings);
    if (!sameRobot(opened.robot, HOUSEHOLD_ROBOT))
      throw new InputError(
        checkpoint,
        `its robot ${opened.robot.name} is not the household's (${HOUSEHOLD_ROBOT.name}); there is nothing to correct.`,
      );
    const planner = await createPlanner(opened, { threads: 1 });
    corrected = { planner, robot: opened.robot, settings: checkpointSession(opened) };
  }
  const { planner, robot, settings: own } = corrected;
  const session = createSession({ robot, ...own, seed: `${settings.seed}/${scene}` });
  const policy = createPolicy({ planner, session });
  return {
    reset: () => policy.reset(),
    act: (observation) => policy.act(observation),
    close: () => policy.close(),
    dropPlan: () => dropPlan(session),
    goOnFrom: (taskId, stage) => goOnFrom(session, { taskId, stage }),
  };
}

async function play(unit: DemoUnit): Promise<DemoPlayed> {
  waiting = [];
  const { household, expert } = await world(unit.task);
  const { clipSeconds, disturbance, late, until, seed, picturesEvery } = settings;
  const [first] = unit.instances as readonly [number, ...number[]];
  const random = Random.of('demonstration', seed, unit.task, first);
  if (settings.correct !== undefined) {
    const policy = await correcting(settings.correct, `${unit.task}/${first}`);
    const { clips, success } = await correctRollout(household, expert, policy, first, {
      seconds: clipSeconds ?? 1.5,
      ...{ late, random, until, picturesEvery },
    });
    waiting = clips;
    return { episodes: clips.length, failures: 0, policySuccess: success };
  }
  let failures = 0;
  const window = { disturbance, random, until, picturesEvery };
  for (const instance of unit.instances) {
    const recording =
      clipSeconds === undefined
        ? wholeDemonstration(household, expert, instance, picturesEvery)
        : clipDemonstration(household, expert, instance, { ...window, seconds: clipSeconds });
    if (recording) {
      waiting = [recording];
      return { episodes: 1, failures };
    }
    failures++;
  }
  throw new ValetError(
    'home demos',
    `the expert of ${unit.task} failed on all of the instances ${unit.instances.join(', ')}.`,
  );
}

/** Writes the first `count` episodes of the scene that was played last, numbered from `first` on. */
async function write({ first, count }: { first: number; count: number }): Promise<EncodedEpisode[]> {
  const episodes: EncodedEpisode[] = [];
  for (const [i, recording] of waiting.slice(0, count).entries())
    episodes.push(
      await encodeEpisode({ ...recording, episodeIndex: first + i, trajectory: i }, settings.folder, settings.layout),
    );
  waiting = [];
  return episodes;
}

answerCalls({
  open: (given: DemoSettings) => {
    settings = given;
  },
  play,
  write,
});

import { join } from 'node:path';
import { z } from 'zod';
import { InputError, present, readJson } from '../../base/index.ts';
import {
  type ModelStages,
  modelConfig,
  type PolicySession,
  PolicySessionSchema,
  taskStagesOf,
} from '../../model/index.ts';
import { CHALLENGE_ROBOT, parseRobot, type Robot, sameRobot } from '../../robot/index.ts';
import type { CheckpointMapping } from './checkpointMapping.ts';

const ConfigFile = z.looseObject({
  model: z.unknown(),
  robot: z.unknown().optional(),
  policy: z.looseObject({ session: PolicySessionSchema.prefault({}) }).prefault({}),
});

/** What a server must know of its checkpoints before it has loaded them. */
export interface MappedCheckpoints {
  /** The robot that all of them drive. */
  readonly robot: Robot | undefined;
  /** Stages as the checkpoint that plans for a task counts them; a hole where none knows the task. */
  readonly stages: ModelStages;
  /** How all of them have their plans executed; undefined where they differ. */
  readonly session: PolicySession | undefined;
}

interface Facts {
  readonly robot: Robot;
  readonly stages: ModelStages;
  readonly session: PolicySession;
}

/**
 * Reads robots and stages of a mapping's checkpoints.
 * @throws InputError for one that cannot be read; it names both when two of them drive different robots
 */
export async function readMappedCheckpoints(mapping: CheckpointMapping): Promise<MappedCheckpoints> {
  const facts = new Map<string, Facts>();
  let first: { readonly robot: Robot; readonly folder: string } | undefined;
  for (const [name, folder] of mapping.paths) {
    const found = await readFacts(join(folder, 'config.json'));
    facts.set(name, found);
    first ??= { robot: found.robot, folder };
    if (!sameRobot(found.robot, first.robot))
      throw new InputError(
        'serve',
        `one server serves one robot, but ${first.folder} drives ${first.robot.name} and ${folder} drives ` +
          `${found.robot.name}. Start a server for each.`,
      );
  }
  const stagesByName = (name: string) => present(facts.get(name), `the checkpoint ${name}`).stages;
  const sessions = new Map([...facts.values()].map(({ session }) => [JSON.stringify(session), session]));
  const session = sessions.size > 1 ? undefined : [...sessions.values()][0];
  return { robot: first?.robot, stages: mergedStages(mapping, stagesByName), session };
}

function mergedStages(
  { byTask, otherwise }: CheckpointMapping,
  stagesByName: (checkpoint: string) => ModelStages,
): ModelStages {
  const rest = otherwise === undefined ? undefined : stagesByName(otherwise);
  const taskNumStages = [...(rest?.taskNumStages ?? [])];
  const stageSuccessors = { ...rest?.stageSuccessors };
  for (const [task, name] of byTask) {
    const own = stagesByName(name);
    const [count, successors] = [own.taskNumStages[task], own.stageSuccessors[task]];
    if (count === undefined) delete taskNumStages[task];
    else taskNumStages[task] = count;
    if (successors) stageSuccessors[task] = successors;
    else delete stageSuccessors[task];
  }
  return { taskNumStages, stageSuccessors };
}

async function readFacts(file: string): Promise<Facts> {
  const { model, robot, policy } = await readJson(file, ConfigFile);
  return {
    robot: robot === undefined ? CHALLENGE_ROBOT : parseRobot(robot, `${file}: robot`),
    stages: taskStagesOf(modelConfig(model, file)),
    session: policy.session,
  };
}

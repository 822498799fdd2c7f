import { InputError } from '../base/index.ts';
import { commonRobot, type Dataset, openSets, parseDataFolder, stageTable, successorTable } from '../data/index.ts';
import type { ModelConfig, PolicySettings } from '../model/index.ts';
import { type Robot, sameRobot } from '../robot/index.ts';
import { type RunConfig, requireFitting, settledConfig } from './config.ts';
import type { TrainOptions } from './options.ts';

/** The checkpoint that a run comes from. */
interface Origin {
  readonly robot: Robot;
  readonly model?: ModelConfig;
  readonly config?: ModelConfig;
  readonly policy?: PolicySettings;
}

/**
 * The robot of the data, and the configuration for it. `from`: the checkpoint that the run starts from or goes on
 * from.
 */
export async function settle(
  { data, robot: given, choice, config, init, out }: TrainOptions,
  from: Origin | null,
  log: (line: string) => void,
): Promise<{ robot: Robot; sets: readonly Dataset[]; config: RunConfig }> {
  const folders = data.map((folder) => parseDataFolder(folder).dir);
  const { sets: datasets, notes } = await openSets(folders, { robot: given, choice, pictures: true, tasks: 'refused' });
  for (const note of notes) log(note);
  const robot = commonRobot(datasets);
  if (from && !sameRobot(from.robot, robot))
    throw new InputError(
      init ?? out,
      `the checkpoint drives another robot (${described(from.robot)}) than the data's (${described(robot)}). Train ` +
        'from a checkpoint of the same robot, or from nothing.',
    );
  const network = from?.model ?? from?.config;
  const taskNumStages =
    config.model.taskNumStages ?? network?.taskNumStages ?? (await stageTable(datasets, config.stageLabels));
  const stageSuccessors = { ...network?.stageSuccessors, ...successorTable(datasets) };
  const settled = settledConfig(config, { robot, taskNumStages, stageSuccessors });
  requireFitting(settled, robot);
  return { robot, sets: datasets, config: { ...settled, ...plansOf(settled, from?.policy) } };
}

/** How the policy plans: what the configuration leaves open is as the checkpoint that the run comes from plans. */
function plansOf(
  { noiseScale, session }: RunConfig,
  before: Origin['policy'],
): Pick<RunConfig, 'noiseScale' | 'session'> {
  const keys = Object.keys(session) as (keyof typeof session)[];
  return {
    noiseScale: noiseScale ?? before?.noiseScale ?? 1,
    session: Object.fromEntries(
      keys.map((key) => [key, session[key] ?? before?.session?.[key] ?? null]),
    ) as RunConfig['session'],
  };
}

const described = ({ name, width, rate, cameraNames }: Robot): string =>
  `${name}: ${width} actions at ${rate} Hz, cameras ${cameraNames.join(', ')}`;

/** The model with an auxiliary head for the positions that the data tells. */
export function fitModel(config: RunConfig, taskInfoSize: number): ModelConfig {
  const { model, objectsWeight } = config;
  if (!model.auxiliary) return model;
  const { objects: _, ...auxiliary } = model.auxiliary;
  const objects =
    objectsWeight > 0 && taskInfoSize > 0 ? { objects: { size: taskInfoSize, weight: objectsWeight } } : {};
  return { ...model, auxiliary: { ...auxiliary, ...objects } };
}

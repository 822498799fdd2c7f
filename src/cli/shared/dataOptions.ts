import { type Command, InvalidArgumentError, Option } from 'commander';
import { type CameraChoice, type DataChoice, type EpisodeRange, readTaskMap, shownPlaces } from '../../data/index.ts';
import { nameList } from './names.ts';

/** As commander hands them over. */
export interface DataOptionValues {
  readonly camera?: CameraChoice;
  readonly tasks?: string[];
  readonly episodes?: readonly EpisodeRange[];
  readonly available?: boolean;
  readonly taskMap?: string;
}

/** Attributes of these options. */
export const DATA_OPTIONS = ['camera', 'tasks', 'episodes', 'available', 'taskMap'] as const;

/** Adds what says which part of a data set is read, and what its words mean. */
export function addDataOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--camera <name=feature>',
        'which pictures are of which camera, where their names do not tell',
      ).argParser(cameraOption),
    )
    .option('--tasks <list>', 'only these tasks: names, numbers or ranges, separated by commas', nameList())
    .option('--episodes <ranges>', 'only these episode_index, such as 0-99,150', episodeRanges)
    .option('--available', 'leave out episodes whose files are not there')
    .option('--task-map <file>', 'JSON that says what the set\'s tasks are among all, such as {"can_meat": 4}');
}

/** What the options choose. @throws InputError when the map of tasks cannot be read */
export async function dataChoice(options: DataOptionValues): Promise<DataChoice> {
  const { camera, tasks, episodes, available, taskMap } = options;
  return {
    ...(camera && { cameras: camera }),
    ...(tasks && { tasks }),
    ...(episodes && { episodes }),
    ...(available && { available }),
    ...(taskMap !== undefined && { taskMap: await readTaskMap(taskMap) }),
  };
}

/** Notes on the data, for a person. */
export function tellNotes(notes: readonly string[]): void {
  for (const note of notes) process.stderr.write(`note: ${shownPlaces(note)}\n`);
}

/** `head=observation.images.top`, given once for each camera, or for each set's own feature. */
function cameraOption(text: string, before: CameraChoice = {}): CameraChoice {
  const [, camera, feature] = /^\s*([^=\s]+)\s*=\s*(\S+)\s*$/.exec(text) ?? [];
  if (camera === undefined || feature === undefined)
    throw new InvalidArgumentError('expected NAME=FEATURE, such as head=observation.images.top.');
  return { ...before, [camera]: [...(before[camera] ?? []), feature] };
}

function episodeRanges(text: string): EpisodeRange[] {
  return text.split(',').map((part): EpisodeRange => {
    const [, from, to] = /^\s*(\d{1,15})\s*(?:-\s*(\d{1,15})\s*)?$/.exec(part) ?? [];
    if (from === undefined || Number(to ?? from) < Number(from))
      throw new InvalidArgumentError('expected numbers and ranges, such as 0-99,150.');
    return [Number(from), Number(to ?? from)];
  });
}

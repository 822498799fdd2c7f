import { existsSync } from 'node:fs';
import { InputError, lockFolder } from '../../base/index.ts';
import { DatasetWriter, type EncodedEpisode, type FinishedPart, UnfinishedSet } from '../../data/index.ts';
import { type HomeTask, splitOf } from '../../home/index.ts';
import { counted, type LedgerLine, type Unit, unitName } from '../ledger/index.ts';
import type { EvaluationSummary } from '../scores/index.ts';
import type { DataSettings } from './episodeData.ts';
import type { OnDone } from './playUnits.ts';

/** A rollout whose episode is on disk. */
interface FinishedRollout extends FinishedPart {
  readonly unit: string;
}

const ROLLOUTS = { name: 'rollouts', parts: 'episodes', keyOf: ({ unit }: Pick<FinishedRollout, 'unit'>) => unit };

export interface RolloutDataOptions {
  /** The data set's folder. */
  readonly dir: string;
  readonly tasks: readonly HomeTask[];
  /** Every one becomes an episode. */
  readonly units: readonly Unit[];
  /** What is booked already. */
  readonly lines: readonly LedgerLine[];
  /** Side of the pictures that the policy gets. */
  readonly imageSize: number;
  /** Go on with what was begun. */
  readonly resume: boolean;
  /** Who plays, kept beside each outcome. */
  readonly policy: Readonly<Record<string, unknown>>;
  /** What else the episodes follow from. */
  readonly identity: Readonly<Record<string, unknown>>;
}

/**
 * @throws InputError for instances that policies are measured on: what is trained on them could not be measured there
 */
export function requireTrainInstances(instances: readonly number[]): void {
  const other = instances.find((instance) => splitOf(instance) !== 'train');
  if (other !== undefined)
    throw new InputError(
      '--record-data',
      `instance ${other} is of the split ${splitOf(other)}, which is for measuring alone. Say --instances train.`,
    );
}

/**
 * Plays an evaluation's units and keeps each rollout as an episode of a LeRobot data set. An episode is written before
 * it is booked, so that an evaluation that is killed and gone on with comes to the same data set. The set takes its
 * name when every unit has its episode.
 * @param play the evaluation, told where its workers write (nowhere when all of the set is there) and whom to tell
 * @throws InputError for a folder that holds something else, and for booked rollouts of which there are no frames
 */
export async function withRolloutData(
  options: RolloutDataOptions,
  play: (data: DataSettings | undefined, onDone: OnDone) => Promise<EvaluationSummary>,
): Promise<EvaluationSummary> {
  const lock = await lockFolder(options.dir, 'valet eval --record-data');
  try {
    return await record(options, play);
  } finally {
    await lock.release();
  }
}

async function record(
  { dir, tasks, units, lines, imageSize, resume, policy, identity }: RolloutDataOptions,
  play: (data: DataSettings | undefined, onDone: OnDone) => Promise<EvaluationSummary>,
): Promise<EvaluationSummary> {
  const names = new Set(units.map(unitName));
  const booked = counted(lines)
    .map(unitName)
    .filter((name) => names.has(name));
  // The set has its name once every unit is booked; nothing is to be added then.
  if (existsSync(dir) && booked.length === names.size) return play(undefined, async () => {});
  const what = { ...identity, imageSize, units: [...names] };
  const unfinished = await UnfinishedSet.open<FinishedRollout>(dir, ROLLOUTS, what, {
    resume: resume && existsSync(UnfinishedSet.folderOf(dir)),
  });
  try {
    const without = booked.find((name) => !unfinished.past(name));
    if (without !== undefined)
      throw new InputError(
        dir,
        `has no frames of ${without}, which was played without --record-data. Play anew, into another --out.`,
      );
    const stageSuccessors = Object.fromEntries(
      tasks.flatMap((task) => (task.stageSuccessors ? [[task.id, task.stageSuccessors]] : [])),
    );
    const writer = await DatasetWriter.create(dir, { imageSize, folder: unfinished.folder, stageSuccessors });
    const { layout } = writer;
    const settings = {
      ...{ folder: unfinished.folder, layout, policy },
      numbers: numbersOf(units, tasks, layout.info.chunks_size),
    };
    const summary = await play(settings, async (line, data) => {
      if (data) await unfinished.append({ unit: unitName(line), written: [data] });
    });
    if (unfinished.all().length === names.size) {
      for (const episode of unfinished.all().flatMap(({ written }): readonly EncodedEpisode[] => written))
        writer.addEncoded(episode);
      await writer.finish();
      await unfinished.finish(dir);
    } else await unfinished.close();
    return summary;
  } catch (error) {
    await unfinished.close();
    throw error;
  }
}

/** Episodes of a task are numbered in the order of its units. */
function numbersOf(units: readonly Unit[], tasks: readonly HomeTask[], most: number): Record<string, number> {
  return Object.fromEntries(
    tasks.flatMap(({ name, id }) =>
      units.filter(({ task }) => task === name).map((unit, place) => [unitName(unit), id * most + place]),
    ),
  );
}

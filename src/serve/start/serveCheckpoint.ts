import { InputError } from '../../base/index.ts';
import { checkpointFolder } from '../../model/index.ts';
import { type CheckpointMapping, readCheckpointMapping } from '../planners/index.ts';
import { openCheckpoints, type PlanningSettings } from './checkpointSource.ts';
import { type RunningServer, type StartOptions, startRunning } from './runningServer.ts';

export interface ServeOptions extends StartOptions, PlanningSettings {
  /** A checkpoint folder, or the name of a policy that comes with the package. One of the two. */
  readonly checkpoint?: string | undefined;
  /** A checkpoint per task: a mapping, or the path of its file. */
  readonly mapping?: CheckpointMapping | string | undefined;
}

/**
 * What `valet serve` does: loads one checkpoint, or several by task, and serves them to any evaluator of the official
 * wire. Resolves once it listens; `server.ready` settles when plans can be made.
 * @throws InputError for options that do not go together, a checkpoint that is none, or checkpoints of different robots
 */
export async function serveCheckpoint(options: ServeOptions): Promise<RunningServer> {
  const { checkpoint, mapping, ...rest } = options;
  if ((checkpoint === undefined) === (mapping === undefined))
    throw new InputError('serve', 'needs either a checkpoint or a mapping.');
  return startRunning(rest, async ({ robots }) => {
    const target = await readTarget(options);
    return openCheckpoints(target, rest, rest, robots);
  });
}

async function readTarget({ checkpoint, mapping }: ServeOptions): Promise<CheckpointMapping> {
  if (mapping !== undefined) return typeof mapping === 'string' ? readCheckpointMapping(mapping) : mapping;
  const folder = checkpointFolder(checkpoint ?? '');
  return { paths: new Map([[folder, folder]]), byTask: new Map(), otherwise: folder };
}

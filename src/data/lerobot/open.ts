import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, readJson } from '../../base/index.ts';
import type { Robot } from '../../robot/index.ts';
import { isAddress, RemoteFolder } from '../remote/index.ts';
import { type CameraChoice, requireFeatures } from './choice/cameraChoice.ts';
import type { Dataset, KnownIndex } from './dataset.ts';
import { InfoSchema } from './layout.ts';
import { holdIndex, remoteSet } from './remoteSet.ts';
import { robotOf } from './robotOf.ts';
import { openV21 } from './v21.ts';
import { openV30 } from './v30.ts';

/** LeRobot's last release that converts its first form; from 0.4 on it has no such program. */
const OLDER =
  ' LeRobot 0.3.3 converts sets on the Hugging Face Hub to v2.0: ' +
  'python -m lerobot.datasets.v2.convert_dataset_v1_to_v2.';
const READ = '"v2.0", "v2.1" and "v3.0"';
const NEWER = ' It may be of a newer LeRobot than this version of Valet knows. Look for a newer Valet.';

export interface OpenOptions {
  readonly robot?: Robot;
  readonly cameras?: CameraChoice | undefined;
  /** Of a set on a server: files that were compared with it after this moment, milliseconds, are as they were. */
  readonly since?: number | undefined;
  /** What the thread that gives out the episodes knows. */
  readonly known?: KnownIndex | undefined;
}

/**
 * Opens a LeRobot v2.0, v2.1 or v3.0 data set as its index says.
 * @param dir its folder, or the address of its folder on a server
 * @param options.robot the robot that made it, where the caller knows better than the data set
 * @param options.cameras the features of some of the robot's cameras, where their names do not tell
 * @throws InputError when the folder is none, its index is damaged, or it cannot be of that robot; UnreachableError
 * when its server does not answer
 */
export async function openDataset(dir: string, options: OpenOptions = {}): Promise<Dataset> {
  if (!isAddress(dir)) return openFolder(dir, options);
  const folder = await RemoteFolder.open(dir, options.since === undefined ? {} : { since: options.since });
  await holdIndex(folder, options.since === undefined);
  return remoteSet(await openFolder(folder.root, options, true), folder);
}

/** @param isCopy of a server's: what lies there is not all of the set */
async function openFolder(dir: string, options: OpenOptions, isCopy = false): Promise<Dataset> {
  const path = join(dir, 'meta', 'info.json');
  const first = join(dir, 'meta_data', 'info.json');
  if (!existsSync(path) && existsSync(first))
    throw new InputError(first, `the data set is of LeRobot v1 (read are ${READ}).${OLDER}`);
  const info = await readJson(path, InfoSchema);
  const { cameras, known } = options;
  requireFeatures(dir, info, cameras);
  const robot = await robotOf(dir, info, options.robot, cameras);
  // v2.0 differs in its statistics alone (meta/stats.json, of the whole set), which are not used.
  if (info.codebase_version === 'v2.1' || info.codebase_version === 'v2.0')
    return openV21(dir, info, robot, cameras, known);
  if (info.codebase_version === 'v3.0') return openV30(dir, info, robot, cameras, { isCopy, known });
  const older = /^v?[01]\b/.test(info.codebase_version);
  throw new InputError(
    path,
    `codebase_version is ${JSON.stringify(info.codebase_version)} (read are ${READ}).${older ? OLDER : NEWER}`,
  );
}

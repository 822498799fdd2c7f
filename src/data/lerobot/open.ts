import { join } from 'node:path';
import { InputError, readJson } from '../../base/index.ts';
import type { Robot } from '../../robot/index.ts';
import { type CameraChoice, requireFeatures } from './choice/cameraChoice.ts';
import type { Dataset } from './dataset.ts';
import { InfoSchema } from './layout.ts';
import { robotOf } from './robotOf.ts';
import { openV21 } from './v21.ts';
import { openV30 } from './v30.ts';

const OLDER = ' Record it again, or take a release of the set in one of these.';

/**
 * Opens a LeRobot v2.0, v2.1 or v3.0 data set as its index says.
 * @param options.robot the robot that made it, where the caller knows better than the data set
 * @param options.cameras the features of some of the robot's cameras, where their names do not tell
 * @throws InputError when the folder is none, its index is damaged, or it cannot be of that robot
 */
export async function openDataset(
  dir: string,
  options: { readonly robot?: Robot; readonly cameras?: CameraChoice | undefined } = {},
): Promise<Dataset> {
  const path = join(dir, 'meta', 'info.json');
  const info = await readJson(path, InfoSchema);
  const { cameras } = options;
  requireFeatures(dir, info, cameras);
  const robot = await robotOf(dir, info, options.robot, cameras);
  // v2.0 differs in its statistics alone (meta/stats.json, of the whole set), which are not used.
  if (info.codebase_version === 'v2.1' || info.codebase_version === 'v2.0') return openV21(dir, info, robot, cameras);
  if (info.codebase_version === 'v3.0') return openV30(dir, info, robot, cameras);
  throw new InputError(
    path,
    `codebase_version is ${JSON.stringify(info.codebase_version)} (read are "v2.0", "v2.1" and "v3.0").${OLDER}`,
  );
}

import { join } from 'node:path';
import { InputError, readJson } from '../../base/index.ts';
import type { Dataset } from './dataset.ts';
import { InfoSchema } from './layout.ts';
import { openV21 } from './v21.ts';
import { openV30 } from './v30.ts';

/** Opens a LeRobot v2.1 (BEHAVIOR layout) or v3.0 data set. @throws InputError when the folder is none, or its index is damaged */
export async function openDataset(dir: string): Promise<Dataset> {
  const path = join(dir, 'meta', 'info.json');
  const info = await readJson(path, InfoSchema);
  if (info.codebase_version === 'v2.1') return openV21(dir, info);
  if (info.codebase_version === 'v3.0') return openV30(dir, info);
  throw new InputError(
    path,
    `codebase_version is ${JSON.stringify(info.codebase_version)} (expected "v2.1" or "v3.0"). Convert the data set first.`,
  );
}

import { NotBuiltError } from '../base/index.ts';
import type { Dataset } from './dataset.ts';
import type { Info } from './layout.ts';

/** LeRobot v3.0: several episodes per file, addressed by tables. */
export async function openV30(root: string, _info: Info): Promise<Dataset> {
  throw new NotBuiltError(root, 'reading LeRobot v3.0');
}

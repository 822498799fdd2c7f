import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { packageRoot } from '../base/index.ts';

/** What programs call the link to a run's newest checkpoint: Valet, LeRobot. */
const NEWEST = ['latest', 'last'];
/** The folder of one step: `001000`, or with a word before it. */
const STEP = /^(?:[A-Za-z]+[_-])?(\d+)$/;

/** What only a checkpoint's own folder holds. */
const OWN = ['config.json', 'params', 'params.safetensors', 'model.safetensors'];

/**
 * The folder of a checkpoint, wherever one is taken: the name of a policy that comes with the package, a checkpoint's
 * own folder, or a training folder (the one with `checkpoints`, or that one itself), which stands for its newest
 * checkpoint. A file such as `latest` may name the folder beside it. A folder of the caller's wins over a name. What is
 * none of these comes back as it is, for the reader to refuse.
 * @param say told in a line when the folder is another than the one that was named
 */
export function checkpointFolder(name: string, say?: (line: string) => void): string {
  if (existsSync(name)) {
    const found = weightsIn(folderNamedBy(name) ?? newestOf(name) ?? name);
    if (found !== name)
      say?.(`${name} stands for its newest checkpoint, ${relative(folderOf(realpathSync(name)), realpathSync(found))}`);
    return found;
  }
  if (!/^[a-z][a-z0-9_-]*$/.test(name)) return name;
  const shipped = join(packageRoot(), 'policies', name);
  return existsSync(join(shipped, 'config.json')) ? shipped : name;
}

/** The newest checkpoint of a training folder; undefined for any other folder, and for a run that has none yet. */
function newestOf(folder: string): string | undefined {
  const names = entries(folder);
  if (OWN.some((name) => names.includes(name))) return undefined;
  const isParent = basename(resolve(folder)) === 'checkpoints';
  if (!isParent && !names.includes('checkpoints')) return undefined;
  const parent = isParent ? folder : join(folder, 'checkpoints');
  const inside = entries(parent).filter((name) => isFolder(join(parent, name)));
  const step = (name: string): number => Number(STEP.exec(name)?.[1]);
  const [last] = inside.filter((name) => STEP.test(name)).sort((a, b) => step(b) - step(a));
  const named = NEWEST.map((name) => folderNamedBy(join(parent, name))).find((found) => found !== undefined);
  const newest = NEWEST.find((name) => inside.includes(name)) ?? last;
  return named ?? (newest && join(parent, newest));
}

/** Where a file system has no links, `latest` is a file that names the folder beside it. */
function folderNamedBy(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found?.isFile() || found.size > 256) return undefined;
  const beside = readFileSync(path, 'utf8').trim();
  if (!/^[\w.-]+$/.test(beside)) return undefined;
  const folder = join(dirname(path), beside);
  return OWN.some((name) => existsSync(join(folder, name))) ? folder : undefined;
}

/** LeRobot keeps a step's weights beside the optimiser's state, in a folder of their own. */
function weightsIn(folder: string): string {
  const names = entries(folder);
  return names.includes('pretrained_model') && !names.includes('config.json')
    ? join(folder, 'pretrained_model')
    : folder;
}

const folderOf = (path: string): string => (isFolder(path) ? path : dirname(path));
const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
const entries = (path: string): string[] => (isFolder(path) ? readdirSync(path) : []);

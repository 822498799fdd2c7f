import { InputError } from '../../base/index.ts';
import type { RunFile } from './runRecord.ts';

/** Where a policy lies, which changes nothing that it does; what it does is told by hashes. */
const PLACES = new Set(['folder', 'demos', 'url']);

/** A policy without the place where it lies, where its content is known. */
export function contentOf(policy: RunFile['fingerprint']['policy']): Readonly<Record<string, unknown>> {
  const { files, checkpoints, content } = policy;
  if (files === undefined && checkpoints === undefined && content === undefined) return policy;
  return Object.fromEntries(Object.entries(policy).filter(([key]) => !PLACES.has(key)));
}

/**
 * Whether two run files are of one evaluation: compared by content, wherever policies and data lie.
 * @throws InputError that names what differs, with both values
 */
export function requireSame(folder: string, old: RunFile, run: RunFile): void {
  const values = ({ policy, ...rest }: RunFile['fingerprint']) =>
    flat({ policy: contentOf(JSON.parse(JSON.stringify(policy))), ...rest });
  const [was, now] = [values(old.fingerprint), values(run.fingerprint)];
  // What older versions did not record forbids nothing.
  const unknown = new Set(['imageSize', 'policy.content'].filter((key) => !was.has(key)));
  const changed = [...new Set([...was.keys(), ...now.keys()])].filter(
    (key) => !unknown.has(key) && was.get(key) !== now.get(key),
  );
  if (changed.length === 0) return;
  const said = (value: string | undefined) => value ?? 'not set';
  const list = changed.map((key) => `${key} (${said(was.get(key))}, now ${said(now.get(key))})`).join('; ');
  throw new InputError(folder, `was begun with another ${list}; results would be mixed. Choose another folder.`);
}

/** Every value of an object as JSON, by its path. */
function flat(value: unknown, path = ''): Map<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return new Map([[path, JSON.stringify(value)]]);
  return new Map(
    Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .flatMap(([key, inner]) => [...flat(inner, path === '' ? key : `${path}.${key}`)]),
  );
}

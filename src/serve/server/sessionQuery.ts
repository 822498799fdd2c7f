import { InputError } from '../../base/index.ts';
import { requestPath } from './requestPath.ts';

/** What a client asks for in its address: `ws://HOST:PORT/?session=new&seed=7`. */
export interface SessionQuery {
  /** `new`, or the id of a session to go on with; absent for a session that ends with its connection. */
  readonly resume?: string;
  /** Replies that the client got in the session that it resumes. */
  readonly received?: number;
  /** Seed of this session's plans; a comma-separated list for several robots, one each. */
  readonly seed?: string;
  /** Everything but the id, for recordings. */
  readonly rest: Readonly<Record<string, string>>;
}

const TEXT = /^[\w.:/ -]{1,128}$/;
const TEXTS = /^[\w.:/ -]{1,128}(,[\w.:/ -]{1,128})*$/;

/** @throws InputError for a parameter that is not what it should be; unknown ones are passed on */
export function readSessionQuery(url = '/'): SessionQuery {
  const { query: searchParams } = requestPath(url);
  const rest: Record<string, string> = {};
  for (const [name, value] of [...searchParams].slice(0, 32))
    if (name !== 'session') rest[name.slice(0, 128)] = value.slice(0, 1024);
  const [session, received, seed] = ['session', 'received', 'seed'].map((name) => searchParams.get(name));
  for (const [name, value, form] of [['session', session, TEXT] as const, ['seed', seed, TEXTS] as const])
    if (value != null && !form.test(value))
      throw new InputError('address', `?${name}= holds no such value (expected 1…128 letters, digits or "_.:/ -").`);
  if (received != null && !/^\d{1,12}$/.test(received))
    throw new InputError('address', '?received= is no number (expected the replies that came).');
  return {
    ...(session != null && { resume: session }),
    ...(received != null && { received: Number(received) }),
    ...(seed != null && { seed }),
    rest,
  };
}

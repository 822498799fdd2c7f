import { InputError } from '../../base/index.ts';

/** What a client asked for, as proxies pass it on. */
export interface RequestPath {
  /** Begins with a slash, ends with none (`/` alone excepted), holds no empty part. */
  readonly path: string;
  readonly query: URLSearchParams;
}

/**
 * The path and query of a request. Proxies that take a prefix away leave `//`, or an absolute address: all forms of a
 * path are one here. `prefix` is taken away where it is still there.
 */
export function requestPath(url = '/', prefix = '/'): RequestPath {
  const [address = '', ...query] = url.replace(/#.*$/s, '').split('?');
  const path = normalPath(address.replace(/^[a-z][a-z\d+.-]*:\/\/[^/]*/i, ''));
  const below = prefix === '/' || (path !== prefix && !path.startsWith(`${prefix}/`));
  return {
    path: below ? path : normalPath(path.slice(prefix.length)),
    query: new URLSearchParams(query.join('?')),
  };
}

/** The form that a prefix has in `requestPath`. @throws InputError for what is no path */
export function parsePrefix(text: string): string {
  if (!/^[\w.~/-]*$/.test(text))
    throw new InputError('prefix', `"${text}" is no path (expected letters, digits and "_.~-/", such as /valet).`);
  return normalPath(text);
}

function normalPath(path: string): string {
  return `/${path.split('/').filter(Boolean).join('/')}`;
}

import { InputError } from '../../base/index.ts';

/** Whether a data set is named by an address on a server, and not by a folder of this machine. */
export const isAddress = (text: string): boolean => /^https?:\/\//i.test(text);

/**
 * The address of a data set's folder, without a slash at its end.
 * @throws InputError for an address with a user, a question mark or a hash: what is secret would be printed and kept
 */
export function parseAddress(text: string): string {
  const [, scheme = ''] = /^(https?:\/\/)/i.exec(text) ?? [];
  if (!URL.canParse(text)) throw new InputError(text, 'is no address (expected one like https://host/folder).');
  const url = new URL(text);
  const plain = `${scheme.toLowerCase()}${url.host}${url.pathname}`.replace(/\/+$/, '');
  if (url.username !== '' || url.password !== '')
    throw new InputError(plain, 'its address holds a user or password. Give them by VALET_DATA_TOKEN_FILE.');
  if (url.search !== '' || url.hash !== '')
    throw new InputError(plain, 'its address has something behind a "?" or "#". Give that of the folder alone.');
  return plain;
}

/** The address of a file of the folder. @param path with slashes, relative */
export const addressOf = (folder: string, path: string): string =>
  `${folder}/${path.split('/').map(encodeURIComponent).join('/')}`;

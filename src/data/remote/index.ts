export { isAddress } from './address.ts';
export { CacheFolder } from './cacheFolder.ts';
export { RemoteFolder } from './remoteFolder.ts';
export { type FolderLimit, parseFolderLimit } from './settings.ts';
export { shownPlaces } from './shownPlaces.ts';

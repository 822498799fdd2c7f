export { isAddress } from './address.ts';
export { RemoteFolder } from './remoteFolder.ts';
export { parseFolderLimit } from './settings.ts';
export { shownPlaces } from './shownPlaces.ts';

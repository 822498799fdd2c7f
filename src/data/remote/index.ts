export { isAddress } from './address.ts';
export { RemoteFolder } from './remoteFolder.ts';
export { shownPlaces } from './shownPlaces.ts';

export { type RemoteOptions, RemotePolicy } from './remotePolicy.ts';

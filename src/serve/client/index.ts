export { RemotePolicy } from './remotePolicy.ts';

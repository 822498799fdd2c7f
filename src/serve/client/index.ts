export { FrameSocket } from './frameSocket.ts';
export { type RemoteOptions, RemotePolicy } from './remotePolicy.ts';
export { waitForServer } from './waitForServer.ts';

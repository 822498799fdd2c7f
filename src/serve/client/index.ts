export { FrameSocket, type FrameSocketOptions, type ServerFrame } from './frameSocket.ts';
export { type RemoteOptions, RemotePolicy } from './remotePolicy.ts';

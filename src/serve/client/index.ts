export { type Frame, FrameSocket, type FrameSocketOptions } from './frameSocket.ts';
export { type RemoteOptions, RemotePolicy } from './remotePolicy.ts';

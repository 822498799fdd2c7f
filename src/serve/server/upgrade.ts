import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { WebSocket, WebSocketServer } from 'ws';
import { directSocket } from './directSocket.ts';
import { FrameReader } from './frameReader.ts';
import type { MessageBuffers } from './messageBuffers.ts';

/**
 * A client's messages as they come: `isBinary` false is a text. `give` is called once the bytes are not read any more.
 */
export type OnMessage = (bytes: Buffer, isBinary: boolean, give: () => void) => void;

export interface Upgraded {
  readonly socket: WebSocket;
  /** Who hears the messages; the socket must be paused until there is somebody. */
  listen(onMessage: OnMessage): void;
}

export interface UpgradeOptions {
  readonly buffers: MessageBuffers;
  readonly maxMessageBytes: number;
}

/** The system asks a machine that is silent for so long whether it is there, and gives it up ten seconds later. */
const KEEPALIVE_MS = 30_000;

const nothing = () => undefined;

/**
 * Answers a request for a websocket; `then` gets it, before any message. The library does the handshake, control frames
 * and sending; binary messages in one frame, which is what policies' clients send, go past it into memory that is used
 * again.
 */
export function upgrade(
  server: WebSocketServer,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  { buffers, maxMessageBytes }: UpgradeOptions,
  then: (upgraded: Upgraded) => void,
): void {
  let reader: FrameReader | undefined;
  const read = (bytes: Buffer) => reader?.read(bytes);
  const stream = directSocket(socket, read);
  if (stream instanceof Socket) stream.setKeepAlive(true, KEEPALIVE_MS);
  stream.on('error', nothing);
  server.handleUpgrade(request, stream, head, (webSocket) => {
    let onMessage: OnMessage | undefined;
    const library = stream.listeners('data') as ((bytes: Buffer) => void)[];
    for (const listener of library) stream.removeListener('data', listener);
    stream.on('data', read);
    reader = new FrameReader({
      buffers,
      maxMessageBytes,
      onMessage: (bytes, give) => {
        if (webSocket.readyState === webSocket.OPEN) onMessage?.(bytes, true, give);
      },
      onOther: (bytes) => {
        for (const listener of library) listener.call(stream, bytes);
      },
    });
    // A frame that is wrong: what follows it means nothing.
    webSocket.on('error', () => reader?.stop());
    webSocket.on('message', (bytes, isBinary) => onMessage?.(bytes as Buffer, isBinary, nothing));
    webSocket.on('close', () => reader?.stop());
    const listen = (listener: OnMessage) => {
      onMessage = listener;
    };
    then({ socket: webSocket, listen });
  });
}

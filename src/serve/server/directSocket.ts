import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';

/** One for all sockets: it is read out before the next bytes can come. */
let shared: Buffer | undefined;
const SHARED_BYTES = 128 << 10;

/** What of Node's own socket is needed to take its place. */
interface Handle {
  readStop(): number;
  useUserBuffer(buffer: Uint8Array): void;
}

/**
 * The same connection as a socket that reads into one buffer again and again (the option `onread` of net.Socket, which
 * sockets of a server cannot be given) instead of 64 KiB of new memory for every piece. `socket` is used up. Where this
 * Node does not allow it, or with TLS, `socket` comes back as it is and tells its bytes by 'data'. Either way `onBytes`
 * hears them, and may not keep them.
 */
export function directSocket(socket: Duplex, onBytes: (bytes: Buffer) => void): Duplex {
  const direct = socket instanceof Socket && !(socket instanceof TLSSocket) ? replace(socket, onBytes) : undefined;
  return direct ?? socket;
}

function replace(socket: Socket, onBytes: (bytes: Buffer) => void): Socket | undefined {
  const owner = socket as unknown as { _handle: Handle | null };
  const handle = owner._handle;
  if (!handle || typeof handle.useUserBuffer !== 'function' || typeof handle.readStop !== 'function') return undefined;
  shared ??= Buffer.allocUnsafeSlow(SHARED_BYTES);
  const buffer = shared;
  handle.readStop();
  const options = {
    handle,
    readable: true,
    writable: true,
    onread: {
      buffer,
      callback: (bytes: number) => {
        onBytes(buffer.subarray(0, bytes));
        return true;
      },
    },
  };
  const direct = new Socket(options);
  // The connection lives on in the other one.
  owner._handle = null;
  socket.destroy();
  return direct;
}

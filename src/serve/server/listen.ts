import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { ValetError } from '../../base/index.ts';

export interface Tls {
  /** PEM texts. */
  readonly cert: string;
  readonly key: string;
}

/** Opens all ports or none. @throws ValetError when one cannot be had, or the certificate is none */
export async function listen(host: string, ports: readonly number[], tls: Tls | undefined): Promise<Server[]> {
  const servers: Server[] = [];
  try {
    for (const port of ports) servers.push(await listenOne(host, port, tls));
    return servers;
  } catch (error) {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    throw error;
  }
}

/**
 * Finds out whether the ports can be had, before long work that needs them; ports 0 always can.
 * @throws ValetError when one cannot be had, or the certificate is none
 */
export async function requirePorts(host: string, ports: readonly number[], tls: Tls | undefined): Promise<void> {
  const servers = await listen(host, ports, tls);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
}

function listenOne(host: string, port: number, tls: Tls | undefined): Promise<Server> {
  let server: Server;
  try {
    server = tls ? createSecureServer({ ...tls, minVersion: 'TLSv1.2' }) : createServer();
  } catch (error) {
    throw new ValetError('serve', `the TLS certificate or key cannot be used (${(error as Error).message}).`, 'input');
  }
  return new Promise<Server>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE'
          ? 'the port is taken. Choose another, or 0 for a free one'
          : (error.code ?? error.message);
      reject(new ValetError('serve', `cannot listen on ${host}:${port}: ${why}.`, 'failure', { cause: error }));
    });
    server.listen(port, host.replace(/^\[|\]$/g, ''), () => resolve(server));
  });
}

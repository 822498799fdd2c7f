import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** A TCP balancer in front of servers on loopback ports. */
export interface Balancer {
  readonly name: string;
  readonly port: number;
  close(): Promise<void>;
}

/** HAProxy where it is installed (or named by HAPROXY), else the least that any TCP balancer does, in Node. */
export async function startBalancer(ports: readonly number[]): Promise<Balancer> {
  const program = process.env['HAPROXY'] ?? 'haproxy';
  const version = await promisify(execFile)(program, ['-v']).then(
    ({ stdout }) => /version (\S+)/.exec(stdout)?.[1],
    () => undefined,
  );
  return version === undefined ? leastConnections(ports) : haproxy(program, version, ports);
}

async function haproxy(program: string, version: string, ports: readonly number[]): Promise<Balancer> {
  const folder = await mkdtemp(join(tmpdir(), 'valet-haproxy-'));
  const port = await freePort();
  const template = await readFile(new URL('haproxy.cfg', import.meta.url), 'utf8');
  const servers = ports.map((each, i) => `    server policy${i} 127.0.0.1:${each}`).join('\n');
  const path = join(folder, 'haproxy.cfg');
  await writeFile(path, template.replace('{{port}}', String(port)).replace('{{servers}}', servers));
  const child: ChildProcess = spawn(program, ['-db', '-q', '-f', path], { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const close = async () => {
    child.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true });
  };
  for (let tries = 0; ; tries++) {
    if (
      await fetch(`http://127.0.0.1:${port}/healthz`).then(
        (response) => response.ok,
        () => false,
      )
    )
      break;
    if (tries > 200) {
      await close();
      throw new Error('HAProxy does not come up');
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { name: `HAProxy ${version}`, port, close };
}

/** Each connection goes to the server with the fewest; one that cannot be reached is passed over. */
async function leastConnections(ports: readonly number[]): Promise<Balancer> {
  const open = new Map(ports.map((port) => [port, new Set<Socket>()]));
  const server: Server = createServer((client) => {
    client.on('error', () => client.destroy());
    const forward = ([chosen, ...others]: readonly (readonly [number, Set<Socket>])[]): void => {
      if (!chosen) return void client.destroy();
      const [port, clients] = chosen;
      const upstream = connect({ port, host: '127.0.0.1' });
      upstream.once('error', () => forward(others));
      upstream.once('connect', () => {
        upstream.removeAllListeners('error').on('error', () => client.destroy());
        clients.add(client);
        client.once('close', () => {
          clients.delete(client);
          upstream.destroy();
        });
        upstream.once('close', () => client.destroy());
        client.pipe(upstream).pipe(client);
      });
    };
    forward([...open].sort(([, a], [, b]) => a.size - b.size));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const close = () =>
    new Promise<void>((resolve) => {
      for (const clients of open.values()) for (const client of clients) client.destroy();
      server.close(() => resolve());
    });
  return { name: 'a plain TCP balancer in Node (HAProxy is not installed)', port, close };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}

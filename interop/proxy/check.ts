import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { WebSocket } from 'ws';
import { createPolicy, createSession } from '../../src/control/index.ts';
import { startServer } from '../../src/serve/index.ts';
import { NumpyArray, packMessage, unpackMessage } from '../../src/wire/index.ts';
import { ArithmeticPlanner, actionOf, fakeObservation, wireObservation } from '../../test/support/serve.ts';
import type { Check } from '../check.ts';
import { Skip } from '../python.ts';

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const ALLOWED = 'https://allowed.example';
const STEPS = 45;

/** The policy server behind a real nginx, TLS there: prefixes, origins, large messages, lost connections. */
export const check: Check = async (report) => {
  const { stderr: version } = await promisify(execFile)('nginx', ['-v']).catch(() => {
    throw new Skip('there is no nginx here (apt-get install nginx)');
  });
  const server = await startServer({
    plannerFor: () => new ArithmeticPlanner(),
    sessionOptions: { seed: 3 },
    allowOrigins: [ALLOWED],
    prefix: '/kept',
  });
  await server.ready;
  const nginx = await Nginx.start(server.port);
  try {
    const { secure, plain } = nginx;
    const ca = await readFile(file('../../test/fixtures/tls/cert.pem'));
    const health = [`/valet/healthz`, '/valet//healthz', '/slashes/healthz', '/kept/healthz', '/valet/healthz/'];
    const statuses = await Promise.all(health.map((path) => statusOf(`https://localhost:${secure}${path}`, ca)));
    report(
      '/healthz below every prefix',
      statuses.every((status) => status === 200),
      `${version.trim()}; ${statuses}`,
    );

    for (const path of ['/valet/', '/slashes', '/kept/', '/kept//']) {
      const { equal, resumed } = await episode(`wss://localhost:${secure}${path}`, ca);
      report(`an episode at ${path}, cut once`, equal === STEPS, `${equal} of ${STEPS} equal to the last bit`);
      if (path === '/valet/') report('and its session by an id', resumed === true);
    }
    const page = (url: string, origin: string) => greets(url, { ca, origin });
    const own = `https://localhost:${secure}`;
    report("a page of the proxy's own host is let in", await page(`wss://localhost:${secure}/valet/`, own));
    report('an allowed page, when the proxy tells nothing', await page(`wss://localhost:${secure}/kept/`, ALLOWED));
    report('another page is not', !(await page(`wss://localhost:${secure}/valet/`, 'https://evil.example')));
    report('nor its own host when the proxy tells nothing', !(await page(`wss://localhost:${secure}/kept/`, own)));
    report(
      'a page of a plain proxy that passes Host on',
      await page(`ws://localhost:${plain}/`, `http://localhost:${plain}`),
    );
  } finally {
    await nginx.close();
    await server.close();
  }
};

class Nginx {
  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    readonly secure: number,
    readonly plain: number,
  ) {}

  static async start(server: number): Promise<Nginx> {
    const folder = await mkdtemp(join(tmpdir(), 'valet-nginx-'));
    const [secure = 0, plain = 0] = await Promise.all([freePort(), freePort()]);
    const tls = (name: string) => file(`../../test/fixtures/tls/${name}.pem`);
    const put: Record<string, string | number> = {
      ...{ FOLDER: folder, PORT: secure, PLAIN: plain, SERVER: server, CERT: tls('cert'), KEY: tls('key') },
    };
    const text = (await readFile(file('nginx.conf'), 'utf8')).replace(/^#.*\n/, '');
    await writeFile(
      join(folder, 'nginx.conf'),
      text.replace(/\b[A-Z]{3,}\b/g, (name) => String(put[name] ?? name)),
    );
    const child = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'inherit' });
    for (let i = 0; i < 100; i++) {
      if (
        await fetch(`http://localhost:${plain}/healthz`).then(
          ({ ok }) => ok,
          () => false,
        )
      )
        break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return new Nginx(child, folder, secure, plain);
  }

  async close(): Promise<void> {
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    if (this.child.exitCode === null && this.child.kill('SIGTERM')) await gone;
    await rm(this.folder, { recursive: true, force: true });
  }
}

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    }),
  );
}

const statusOf = (url: string, ca: Buffer) =>
  new Promise<number>((resolve, reject) =>
    get(url, { ca }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    }).on('error', reject),
  );

/** Whether the server speaks to a client of this kind. */
function greets(url: string, options: { ca: Buffer; origin: string }): Promise<boolean> {
  const socket = new WebSocket(url, options);
  return new Promise((resolve) => {
    socket.on('error', () => resolve(false));
    socket.on('message', () => {
      resolve(true);
      socket.terminate();
    });
  });
}

/** Steps whose action is that of a policy in this process, to the last bit; the connection is lost in the middle. */
async function episode(url: string, ca: Buffer): Promise<{ equal: number; resumed: unknown }> {
  const local = createPolicy({ planner: new ArithmeticPlanner(), session: createSession({ seed: 3 }) });
  let equal = 0;
  let line = await Line.to(`${url}?session=new`, ca);
  const id = line.greeting.get('session');
  line.socket.send(packMessage({ reset: true }));
  for (let step = 0; step < STEPS; step++) {
    const observation = fakeObservation({ taskId: 1, joint: step / 100, shade: step, side: 32 });
    const message = wireObservation(observation);
    // Larger than any buffer of the proxy.
    if (step === 7) message['depth'] = NumpyArray.of(new Uint8Array(17 << 20));
    if (step === 25) {
      line.socket.terminate();
      line = await Line.to(`${url}?session=${id}&received=${step}`, ca);
    }
    line.socket.send(packMessage(message));
    const action = actionOf(unpackMessage(await line.next()));
    if ((await local.act(observation)).every((value, i) => value === action[i])) equal++;
  }
  line.socket.terminate();
  return { equal, resumed: line.greeting.get('resumed') };
}

class Line {
  private constructor(
    readonly socket: WebSocket,
    readonly greeting: ReadonlyMap<unknown, unknown>,
  ) {}

  static async to(url: string, ca: Buffer): Promise<Line> {
    const socket = new WebSocket(url, { ca });
    const first = await received(socket);
    return new Line(socket, unpackMessage(first) as ReadonlyMap<unknown, unknown>);
  }

  next(): Promise<Buffer> {
    return received(this.socket);
  }
}

function received(socket: WebSocket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const lost = (why?: unknown) => reject(why instanceof Error ? why : new Error('the connection was lost'));
    socket.once('error', lost).once('close', lost);
    socket.once('message', (data, isBinary) => {
      socket.off('error', lost).off('close', lost);
      if (isBinary) resolve(data as Buffer);
      else reject(new Error(String(data)));
    });
  });
}

import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';

export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

const TIMEOUT_MS = 180_000;

/** Runs a command as a shell does, to its end. */
export async function runCommand(command: string, cwd: string, env: NodeJS.ProcessEnv): Promise<Ended> {
  const child = spawn('bash', ['-c', command], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const output = collect(child);
  const timer = setTimeout(() => end(child, 'SIGKILL'), TIMEOUT_MS);
  const code = await ended(child);
  clearTimeout(timer);
  return { code, output: output() };
}

/** A server of a page, from the line that says where it listens until it is told to end. */
export class DocServer {
  private constructor(
    readonly url: string,
    private readonly child: ChildProcess,
    private readonly output: () => string,
  ) {}

  /** @throws Error with what it printed when it does not say in time where it listens */
  static async start(command: string, cwd: string, env: NodeJS.ProcessEnv): Promise<DocServer> {
    const child = spawn('bash', ['-c', `exec ${command}`], {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const output = collect(child);
    const closed = ended(child);
    for (const start = performance.now(); performance.now() - start < TIMEOUT_MS; ) {
      const url = /"listening":\s*\["([^"]+)"/.exec(output())?.[1];
      if (url) return new DocServer(url, child, output);
      const code = await Promise.race([closed, new Promise<'later'>((resolve) => setTimeout(resolve, 100, 'later'))]);
      if (code !== 'later') break;
    }
    end(child, 'SIGKILL');
    throw new Error(`it does not say where it listens:\n${output()}`);
  }

  /** Ends it as a user does. @throws Error when it does not end well */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null) throw new Error(`it ended by itself:\n${this.output()}`);
    const timer = setTimeout(() => end(this.child, 'SIGKILL'), 30_000);
    const closed = ended(this.child);
    this.child.kill('SIGTERM');
    const code = await closed;
    clearTimeout(timer);
    if (code !== 0) throw new Error(`exit code ${code} after SIGTERM (expected 0):\n${this.output()}`);
  }
}

/** The first of `count` ports in a row that nobody uses. */
export async function freePorts(count: number): Promise<number> {
  for (let first = 20_000 + Math.floor(Math.random() * 20_000); ; first += count) {
    const free = await Promise.all(Array.from({ length: count }, (_, i) => isFree(first + i)));
    if (free.every(Boolean)) return first;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false));
    server.listen(port, '0.0.0.0', () => server.close(() => resolve(true)));
  });
}

/** What runs now: an interrupted test leaves no server behind. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) end(child, 'SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));

function collect(child: ChildProcess): () => string {
  running.add(child);
  child.once('close', () => running.delete(child));
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (data: Buffer) => {
      text = (text + data.toString()).slice(-20_000);
    });
  return () => text;
}

const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => {
    if (child.exitCode !== null) resolve(child.exitCode);
    else child.once('close', resolve);
  });

/** The whole group: what a shell started goes with it. */
function end(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid) process.kill(-child.pid, signal);
  } catch {
    // It has ended by itself.
  }
}

import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { promisify } from 'node:util';
import { packageRoot, ValetError } from '../src/base/index.ts';

const execute = promisify(execFile);

/** The Python that has `module`, and the path of `script`; undefined, with a note that says why, when there is none. */
async function findPeer(
  script: string,
  { module, note }: { readonly module: string; readonly note: (line: string) => void },
): Promise<{ python: string; path: string } | undefined> {
  const folder = join(packageRoot(), 'bench', 'peers');
  const own = join(folder, '.venv', 'bin', 'python');
  const python = existsSync(own) ? own : 'python3';
  const present = await execute(python, ['-c', `import ${module}`]).then(
    () => true,
    () => false,
  );
  if (present) return { python, path: join(folder, script) };
  note(
    `no peer: Python with ${module} is missing. ` +
      `python3 -m venv bench/peers/.venv && bench/peers/.venv/bin/pip install ${module}`,
  );
  return undefined;
}

/**
 * Runs `bench/peers/<script>` with the Python that has `module` (bench/peers/.venv, else python3) and returns the JSON
 * of its last line; undefined, with a note that says why, when it cannot run.
 */
export async function runPeer(
  script: string,
  args: readonly string[],
  options: { readonly module: string; readonly note: (line: string) => void },
): Promise<Record<string, unknown> | undefined> {
  const peer = await findPeer(script, options);
  if (!peer) return undefined;
  const { stdout } = await execute(peer.python, [peer.path, ...args], { maxBuffer: 2 ** 26 });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
}

/** A peer that stays and answers requests, a JSON line for a JSON line: for measurements that take turns. */
export class Peer {
  private constructor(
    private readonly child: ChildProcessByStdio<Writable, Readable, null>,
    private readonly lines: AsyncIterator<string>,
    private readonly script: string,
  ) {}

  /** Undefined, with a note, where it cannot run. */
  static async start(
    script: string,
    options: { readonly module: string; readonly note: (line: string) => void },
  ): Promise<Peer | undefined> {
    const peer = await findPeer(script, options);
    if (!peer) return undefined;
    const child = spawn(peer.python, [peer.path], { stdio: ['pipe', 'pipe', 'inherit'] });
    return new Peer(child, createInterface({ input: child.stdout })[Symbol.asyncIterator](), script);
  }

  async ask<T>(request: object): Promise<T> {
    this.child.stdin.write(`${JSON.stringify(request)}\n`);
    const { value, done } = await this.lines.next();
    if (done) throw new ValetError(`bench/peers/${this.script}`, 'the peer stopped; its message stands above.');
    return JSON.parse(value) as T;
  }

  close(): void {
    this.child.stdin.end();
    this.child.kill();
  }
}

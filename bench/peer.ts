import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { promisify } from 'node:util';
import { packageRoot, ValetError } from '../src/base/index.ts';
import { NoPython, pythonWith } from './pythonEnvironment.ts';

const execute = promisify(execFile);

/** What a peer needs: a set of packages (bench/peers/requirements), and where to say what happens. */
export interface PeerOptions {
  readonly set: string;
  readonly note: (line: string) => void;
}

/** The Python of a peer and the path of `script`; undefined, with a note that says why, when there is none. */
async function findPeer(
  script: string,
  { set, note }: PeerOptions,
): Promise<{ python: string; path: string } | undefined> {
  const python = await peerPython(set, note);
  return python === undefined ? undefined : { python, path: join(packageRoot(), 'bench', 'peers', script) };
}

/** The Python that has a set of packages; undefined, with a note that says why, when there is none. */
export async function peerPython(set: string, note: (line: string) => void): Promise<string | undefined> {
  try {
    return await pythonWith(join(packageRoot(), 'bench', 'peers', 'requirements', `${set}.txt`), note);
  } catch (error) {
    if (!(error instanceof NoPython)) throw error;
    note(`no peer: ${error.message}`);
    return undefined;
  }
}

/**
 * Runs `bench/peers/<script>` with the Python that has a set of packages and returns the JSON of its last line;
 * undefined, with a note that says why, when it cannot run.
 */
export async function runPeer(
  script: string,
  args: readonly string[],
  options: PeerOptions,
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
  static async start(script: string, options: PeerOptions): Promise<Peer | undefined> {
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

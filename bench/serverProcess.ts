import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { packageRoot, ValetError } from '../src/base/index.ts';
import { ownProgram } from './ownProgram.ts';

/** A program that prints one JSON line when it is ready, and then serves or answers a JSON line for a JSON line. */
export class Process {
  private readonly lines: AsyncIterator<string>;
  private readonly ended: Promise<unknown>;

  private constructor(
    private readonly child: ChildProcessByStdio<Writable, Readable, null>,
    private readonly what: string,
  ) {
    this.lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    this.ended = new Promise((resolve) => child.once('exit', resolve));
  }

  static start(command: string, args: readonly string[]): Process {
    return new Process(
      spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] }),
      args.find((arg) => !arg.startsWith('-')) ?? command,
    );
  }

  /** This program itself with other arguments. */
  static startValet(args: readonly string[]): Process {
    return Process.start(process.execPath, [...process.execArgv, ownProgram(), ...args]);
  }

  async line<T>(): Promise<T> {
    const { value, done } = await this.lines.next();
    if (done) throw new ValetError(this.what, 'stopped; its message stands above.');
    return JSON.parse(value) as T;
  }

  ask<T>(request: object): Promise<T> {
    this.child.stdin.write(`${JSON.stringify(request)}\n`);
    return this.line<T>();
  }

  async stop(): Promise<void> {
    this.child.stdin.end();
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), 8000);
    await this.ended;
    clearTimeout(timer);
  }
}

/**
 * A file or folder of this package; undefined where it is not there (an installed package has no virtual
 * environments).
 */
export function repositoryFolder(name: string): string | undefined {
  const path = join(packageRoot(), name);
  return existsSync(path) ? path : undefined;
}

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { NoPython, pythonWith } from '../bench/pythonEnvironment.ts';

/** Why a check cannot run here. */
export class Skip extends Error {}

/**
 * The Python with the packages of the `requirements.txt` in a folder (interop/), made at the first use.
 * @throws Skip when this machine cannot
 */
export function python(folder: string = import.meta.dirname): Promise<string> {
  return orSkip(() => pythonWith(join(folder, 'requirements.txt'), (line) => console.log(line)));
}

/** A Python as `make` makes it. @throws Skip when this machine cannot */
export async function orSkip(make: () => Promise<string>): Promise<string> {
  try {
    return await make();
  } catch (error) {
    if (error instanceof NoPython) throw new Skip(error.message);
    throw error;
  }
}

/** A Python program beside a check: takes one JSON line per request and answers each with one. */
export class PythonSide {
  private readonly lines: Interface;
  private readonly answers: ((line: string | undefined) => void)[] = [];
  private errors = '';
  private readonly child;

  constructor(executable: string, script: string, args: readonly string[] = []) {
    this.child = spawn(executable, [script, ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, PYTHONUNBUFFERED: '1' },
    });
    this.child.stderr.on('data', (text) => (this.errors = (this.errors + text).slice(-4000)));
    this.child.stdin.on('error', () => undefined);
    this.lines = createInterface({ input: this.child.stdout });
    this.lines.on('line', (line) => this.answers.shift()?.(line));
    this.lines.on('close', () => {
      for (const answer of this.answers.splice(0)) answer(undefined);
    });
  }

  async ask<T>(request: object): Promise<T> {
    const line = await new Promise<string | undefined>((resolve) => {
      this.answers.push(resolve);
      this.child.stdin.write(`${JSON.stringify(request)}\n`);
    });
    if (line === undefined) throw new Error(`the Python side ended:\n${this.errors}`);
    return JSON.parse(line) as T;
  }

  close(): void {
    this.child.stdin.end();
    this.child.kill();
  }
}

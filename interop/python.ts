import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const HERE = fileURLToPath(new URL('.', import.meta.url));

/** Why a check cannot run here. */
export class Skip extends Error {}

/**
 * The Python of `.venv` in a folder (interop/) with its `requirements.txt` installed; made at the first use.
 * @throws Skip when this machine cannot
 */
export async function python(folder = HERE): Promise<string> {
  const venv = join(folder, '.venv');
  const executable = join(venv, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const requirements = join(folder, 'requirements.txt');
  const digest = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex');
  const stamp = join(venv, 'requirements.sha256');
  if (existsSync(stamp) && (await readFile(stamp, 'utf8')) === digest) return executable;
  const system = await firstPython();
  try {
    await run(system, ['-m', 'venv', venv]);
    await run(executable, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements], {
      timeout: 600_000,
    });
  } catch (error) {
    const last = String((error as { stderr?: string }).stderr ?? error)
      .trim()
      .split('\n')
      .at(-1);
    throw new Skip(`the Python packages cannot be installed (${last})`);
  }
  await writeFile(stamp, digest);
  return executable;
}

async function firstPython(): Promise<string> {
  for (const name of ['python3', 'python'])
    try {
      await run(name, ['-c', 'import sys, venv; sys.exit(sys.version_info < (3, 9))']);
      return name;
    } catch {
      // The next name.
    }
  throw new Skip('there is no Python 3.9 or newer');
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

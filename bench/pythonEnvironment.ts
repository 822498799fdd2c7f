import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
/** Versions for which every pinned package has wheels. */
const [OLDEST, NEWEST] = [10, 12];
const CANDIDATES = ['python3', 'python', 'python3.12', 'python3.11', 'python3.10'];
/** PyTorch is gigabytes. */
const INSTALL_TIMEOUT_MS = 1_800_000;

/** Why there is no Python with what a program needs. */
export class NoPython extends Error {}

/**
 * A Python that has what a file of requirements names, in a virtual environment beside the file (`.venv/NAME`). It is
 * made at the first use, and again when the file changes; `say` is told before something is fetched.
 * @param options.nothingElse the file names all that is needed, and what its packages want beside it is not asked
 * @throws NoPython where there is no fitting Python, or no package index
 */
export async function pythonWith(
  requirements: string,
  say: (line: string) => void,
  { nothingElse = false }: { readonly nothingElse?: boolean } = {},
): Promise<string> {
  const folder = join(dirname(requirements), '.venv', basename(requirements, '.txt'));
  const executable = join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const wanted = await readFile(requirements, 'utf8');
  const digest = createHash('sha256').update(wanted).digest('hex');
  const stamp = join(folder, 'requirements.sha256');
  if (existsSync(executable) && existsSync(stamp) && (await readFile(stamp, 'utf8')) === digest) return executable;

  const system = await fittingPython();
  say(`installing ${wanted.trim().split(/\s+/).join(', ')} into ${folder}`);
  const tried = async (what: string, program: string, args: string[]): Promise<void> => {
    await execute(program, args, { timeout: INSTALL_TIMEOUT_MS, maxBuffer: 2 ** 26 }).catch((error: Failure) => {
      throw new NoPython(`${what} (${reasonOf(error)}).`);
    });
  };
  await tried('the virtual environment cannot be made', system, ['-m', 'venv', '--clear', folder]);
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input', '-r', requirements];
  if (nothingElse) pip.push('--no-deps');
  await tried('the Python packages cannot be installed; pip needs a package index', executable, pip);
  await writeFile(stamp, digest);
  return executable;
}

interface Failure extends Error {
  readonly stderr?: string;
  readonly killed?: boolean;
}

function reasonOf({ stderr, killed, message }: Failure): string {
  if (killed) return `no end after ${INSTALL_TIMEOUT_MS / 60_000} minutes`;
  const lines = (stderr || message).trim().split('\n');
  return (lines.findLast((line) => /^ERROR|^Error/.test(line)) ?? lines.at(-1) ?? '').replace(/\.$/, '');
}

async function fittingPython(): Promise<string> {
  const found: string[] = [];
  for (const name of CANDIDATES) {
    const version = await execute(name, ['-c', 'import sys, venv; print(*sys.version_info[:2], sep=".")']).then(
      ({ stdout }) => stdout.trim(),
      () => undefined,
    );
    if (version === undefined) continue;
    const [major, minor = 0] = version.split('.').map(Number);
    if (major === 3 && minor >= OLDEST && minor <= NEWEST) return name;
    found.push(`${name} is ${version}`);
  }
  const there = found.length > 0 ? found.join(', ') : 'none with the module venv is on the path';
  throw new NoPython(`there is no fitting Python (${there}, expected 3.${OLDEST} to 3.${NEWEST}). Install one.`);
}

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** bench/peers of the repository that this program runs from; undefined in an installed package, which does not carry it. */
function peersFolder(): string | undefined {
  for (let folder = dirname(fileURLToPath(import.meta.url)); folder !== dirname(folder); folder = dirname(folder)) {
    const peers = join(folder, 'bench', 'peers');
    if (existsSync(peers)) return peers;
  }
  return undefined;
}

/**
 * Runs `bench/peers/<script>` with the Python that has `module` (bench/peers/.venv, else python3) and returns the JSON of its last line;
 * undefined, with a note that says why, when it cannot run.
 */
export async function runPeer(
  script: string,
  args: readonly string[],
  { module, note }: { readonly module: string; readonly note: (line: string) => void },
): Promise<Record<string, unknown> | undefined> {
  const folder = peersFolder();
  if (!folder) {
    note(`no peer: ${script} is in the repository's bench/peers, which is not here.`);
    return undefined;
  }
  const own = join(folder, '.venv', 'bin', 'python');
  const python = existsSync(own) ? own : 'python3';
  const present = await execute(python, ['-c', `import ${module}`]).then(
    () => true,
    () => false,
  );
  if (!present) {
    note(
      `no peer: Python with ${module} is missing. python3 -m venv bench/peers/.venv && bench/peers/.venv/bin/pip install ${module}`,
    );
    return undefined;
  }
  const { stdout } = await execute(python, [join(folder, script), ...args], { maxBuffer: 2 ** 26 });
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<string, unknown>;
}

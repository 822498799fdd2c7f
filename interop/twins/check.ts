import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { present } from '../../src/base/index.ts';
import { findCases, type Verdict, verifyCase } from '../../src/verify/index.ts';
import type { Check } from '../check.ts';
import { python } from '../python.ts';

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
/** Cases of the original that the twin must reproduce before anything is compared with it. */
const PROOF = ['sincos', 'optimizer', 'optimizer-weight-decay', 'network-tiny', 'sampler', 'train-steps'];

/**
 * An independent implementation in JAX and optax reproduces the original's cases, then makes cases of other sizes and
 * settings, which Valet must reproduce. Options: `--count N` cases (20), `--seed N` (the day's), `--keep DIR` to keep
 * them.
 */
export const check: Check = async (report, args = []) => {
  const { values } = parseArgs({
    args: [...args],
    options: { count: { type: 'string' }, seed: { type: 'string' }, keep: { type: 'string' } },
  });
  const seed = values.seed ?? String(Math.floor(Date.now() / 86_400_000));
  const executable = await python();

  const golden = PROOF.map((name) => here(`../../test/golden/${name}`));
  const proof = await lines<{ case: string; quantity: string; error: number; pass: boolean }>(executable, [
    here('prove.py'),
    ...golden,
  ]);
  const wrong = proof.filter(({ pass }) => !pass);
  const first = wrong[0] ? `first off: ${wrong[0].case} ${wrong[0].quantity} ${wrong[0].error}` : undefined;
  report(`the twin reproduces ${proof.length} quantities of the original`, proof.length > 0 && !first, first);

  const folder = values.keep ?? (await mkdtemp(join(tmpdir(), 'valet-twins-')));
  try {
    const script = [here('make.py'), '--seed', seed, '--out', folder, '--count', values.count ?? '20'];
    await lines(executable, script);
    for (const twin of await findCases([folder])) {
      const verdicts: Verdict[] = [];
      for await (const verdict of verifyCase(twin)) verdicts.push(verdict);
      const off = verdicts.filter(({ pass }) => pass !== true);
      const said = off[0] && `${off[0].quantity}: error ${off[0].error} > ${off[0].tolerance}; ${off[0].message ?? ''}`;
      report(`seed ${seed}, ${twin.name}: ${verdicts.length} quantities`, verdicts.length > 0 && !said, said);
    }
  } finally {
    if (values.keep === undefined) await rm(folder, { recursive: true, force: true });
  }
};

/** Runs a Python program that prints one JSON value per line. */
function lines<T>(executable: string, args: readonly string[]): Promise<T[]> {
  return new Promise((resolve, reject) => {
    const out: T[] = [];
    const child = execFile(executable, [...args], { maxBuffer: 2 ** 26 }, (error, _stdout, stderr) => {
      if (error) reject(new Error(`${error.message}\n${stderr.slice(-4000)}`));
      else resolve(out);
    });
    createInterface({ input: present(child.stdout, 'its output') }).on('line', (line) =>
      out.push(JSON.parse(line) as T),
    );
  });
}

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { serveGym } from '../../src/home/index.ts';
import type { Check } from '../check.ts';
import { python } from '../python.ts';

/** `valet home serve` under Gymnasium's own checker, in vectors, and with a random and a cloned agent. */
export const check: Check = async (report, args = []) => {
  const executable = await python(import.meta.dirname);
  const at = args.indexOf('--episodes');
  const server = await serveGym();
  const script = join(import.meta.dirname, 'gym_side.py');
  const side = spawn(executable, [script, String(server.port), at < 0 ? '5' : (args[at + 1] ?? '5')]);
  let errors = '';
  side.stderr.on('data', (text) => (errors = (errors + text).slice(-4000)));
  for await (const line of createInterface({ input: side.stdout })) {
    const { what, passed, detail } = JSON.parse(line) as { what: string; passed: boolean; detail: string };
    report(what, passed, detail);
  }
  const code = side.exitCode ?? (await new Promise<number | null>((resolve) => side.once('close', resolve)));
  if (code !== 0) report('the Python side ends well', false, errors);
  await server.close();
};

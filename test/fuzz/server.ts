import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Progress } from '../../src/base/index.ts';
import { RemotePolicy } from '../../src/serve/index.ts';
import { fakeObservation } from '../support/serve.ts';
import { type FuzzReport, fuzz } from './messages.ts';

/**
 * Mutated messages against a live server with a real policy, in a process of its own: npx tsx test/fuzz/server.ts
 * [--messages 100000] [--seed TEXT]. Prints one JSON object; exit code 1 when the server died, answered wrongly, told
 * of its insides, or grew.
 */
const { values } = parseArgs({
  options: { messages: { type: 'string', default: '100000' }, seed: { type: 'string', default: 'long' } },
});
const count = Number(values.messages);
/** A server that grows by more than this has a leak; the first tenth warms it up. */
const GROWTH_MIB = 64;

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const limits = ['--max-connection-rate', '1000000', '--max-rate', '1000000'];
const serve = ['serve', '--checkpoint', 'household', '--port', '0', '--log-level', 'error', ...limits];
const child = spawn(process.execPath, ['--import', 'tsx', main, ...serve], { stdio: ['ignore', 'pipe', 'inherit'] });
let exit: number | null | undefined;
child.once('exit', (code) => (exit = code ?? -1));
try {
  const { value } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  const url = (JSON.parse(value) as { listening: string[] }).listening[0]!;
  const resident = async () => {
    const text = await (await fetch(new URL('/metrics', url.replace(/^ws/, 'http')))).text();
    return Number(/^process_resident_memory_bytes (\S+)/m.exec(text)?.[1]) / 2 ** 20;
  };
  const progress = new Progress('fuzz', count, { unit: 'messages' });
  const started = performance.now();
  const warm = await fuzz(url, {
    count: Math.ceil(count / 10),
    seed: `${values.seed}/0`,
    onSent: (n) => progress.at(n),
  });
  const before = await resident();
  const offset = warm.sent;
  const rest = await fuzz(url, {
    count: count - offset,
    seed: `${values.seed}/1`,
    onSent: (n) => progress.at(offset + n),
  });
  const after = await resident();
  progress.end();
  const robot = await RemotePolicy.connect(url, { healthTimeoutMs: 20_000 });
  const action = await robot.act(fakeObservation());
  await robot.close();
  const total = Object.fromEntries(
    (['sent', 'replies', 'errors', 'unanswered', 'closed'] as const).map((key) => [key, warm[key] + rest[key]]),
  ) as Pick<FuzzReport, 'sent'>;
  const problems = [...warm.problems, ...rest.problems];
  if (action.length !== 23) problems.push('the server no longer answers');
  if (exit !== undefined) problems.push(`the server ended with ${exit}`);
  if (after - before > GROWTH_MIB) problems.push(`memory grew by ${Math.round(after - before)} MiB`);
  const memory = { beforeMiB: Math.round(before), afterMiB: Math.round(after) };
  const seconds = Math.round((performance.now() - started) / 1000);
  process.stdout.write(`${JSON.stringify({ ...total, ...memory, seconds, problems })}\n`);
  process.exitCode = problems.length > 0 ? 1 : 0;
} finally {
  child.kill('SIGTERM');
}

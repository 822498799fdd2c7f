import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readLedger } from '../../src/evaluate/ledger/ledger.ts';

/** A process that can be killed, and what it came to. */
export class Program {
  readonly ended: Promise<number | NodeJS.Signals | null>;
  private text = '';
  private readonly child: ChildProcess;

  constructor(command: string, args: readonly string[]) {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (this.text += text));
    this.ended = new Promise((resolve) => child.once('close', (code, signal) => resolve(code ?? signal)));
  }

  get isAlive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** All that it has said. */
  get said(): string {
    return this.text;
  }

  /** Ends it by a signal and waits until it is gone. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.child.kill(signal);
    await this.ended;
  }
}

/** What an evaluation came to, without when and where it was played: equal for a killed and for a quiet one. */
export async function contentOf(folder: string): Promise<Readonly<Record<string, string>>> {
  const content: Record<string, string> = {};
  for (const line of await readLedger(folder)) {
    const { started: _, seconds: __, worker: ___, host: ____, ...rest } = line;
    const name = `${line.task}_${line.instance}_${line.rollout}`;
    if (`ledger ${name}` in content) throw new Error(`${name} stands twice in the ledger`);
    content[`ledger ${name}`] = JSON.stringify(rest);
  }
  for (const part of ['json', 'rollouts']) {
    if (!existsSync(join(folder, part))) continue;
    for (const entry of await readdir(join(folder, part), { recursive: true, withFileTypes: true })) {
      // What a killed process left behind under a name of its own is no result.
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile() || path.includes('/.')) continue;
      const bytes = await readFile(path);
      const kept = entry.name === 'plans.jsonl' ? withoutTimes(bytes.toString('utf8')) : bytes;
      content[path.slice(folder.length + 1)] = createHash('sha256').update(kept).digest('hex');
    }
  }
  return content;
}

const NO_TIMES = { ms: undefined, prepareMs: undefined, prefixMs: undefined, denoiseMs: undefined };
/** Lines of plans without the milliseconds that they took. */
const withoutTimes = (lines: string): string =>
  lines
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.stringify({ ...JSON.parse(line), ...NO_TIMES }))
    .join('\n');

/** Names of what differs. */
export const differences = (a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): string[] =>
  [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((key) => a[key] !== b[key]);

/** Lines of a ledger so far; a torn one does not count. */
export const ledgerLength = async (folder: string): Promise<number> =>
  (await readFile(join(folder, 'ledger.jsonl'), 'utf8').catch(() => '')).split('\n').length - 1;

/** Who played the episodes of a queue: machine and number of the thread. */
export const playersOf = async (folder: string): Promise<string[]> => [
  ...new Set((await readLedger(folder)).map(({ host, worker }) => `${host} ${worker}`)),
];

import { availableParallelism } from 'node:os';
import { Command } from 'commander';
import { serveJobs } from '../base/index.ts';
import { STATISTICS_JOB, statisticsHandler } from '../data/index.ts';
import { rolloutHandler } from '../evaluate/index.ts';
import { checkpointFolder } from '../model/index.ts';
import { readKeyFile } from '../serve/index.ts';
import { ENVIRONMENTS_HELP } from './shared/environments.ts';
import { positive } from './shared/numbers.ts';

interface Options {
  workers: number;
  environments: number;
  checkpoint: string[];
  data: string[];
  apiKeyFile?: string;
  idle?: number;
  quiet: boolean;
}

export function command(): Command {
  return new Command('worker')
    .description('works on whatever a Redis queue holds, until it is told to end')
    .argument('<redis>', 'redis://HOST:PORT, or rediss:// for TLS, the same as --queue says')
    .option('--workers <n>', 'threads that work', positive, Math.min(2, availableParallelism()))
    .option('--environments <n>', ENVIRONMENTS_HELP, positive, 1)
    .option(
      '--checkpoint <dir...>',
      'checkpoints on this machine that lie elsewhere than where valet eval has them',
      [],
    )
    .option('--data <dir...>', 'data sets on this machine that lie elsewhere than where valet stats has them', [])
    .option('--api-key-file <file>', 'key for policy servers that want one')
    .option('--idle <seconds>', 'end when there was nothing to do for so long', positive)
    .option('--quiet', 'say nothing on stderr', false)
    .addHelpText(
      'after',
      '\nIt takes episodes of valet eval --queue, and parts of valet stats --queue. Told to end (SIGINT, SIGTERM), ' +
        'it gives back what it does;' +
        '\nwhen it is killed, others take that some seconds later.' +
        '\n\nExamples:\n  $ valet worker redis://127.0.0.1:6379 --workers 4' +
        '\n  $ valet worker rediss://user:password@queue.example:6380 --checkpoint policies/mine --idle 600',
    )
    .action(run);
}

async function run(
  address: string,
  { workers, environments, checkpoint, data, apiKeyFile, idle, quiet }: Options,
): Promise<void> {
  const say = (line: string) => void (quiet || process.stderr.write(`${line}\n`));
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const apiKey = apiKeyFile === undefined ? undefined : await readKeyFile(apiKeyFile);
  const checkpoints = ['household', ...checkpoint].map((name) => checkpointFolder(name, say));
  const slots = workers * environments;
  say(`${slots} jobs at a time; waiting for work. End it with SIGINT or SIGTERM.`);
  const done = await serveJobs(address, {
    handlers: {
      rollout: rolloutHandler({ checkpoints, environments, apiKey, say }),
      [STATISTICS_JOB]: statisticsHandler({ folders: data, say }),
    },
    slots,
    signal: stop.signal,
    idleMs: idle === undefined ? undefined : 1000 * idle,
    say,
  });
  say(`${done} jobs done.`);
}

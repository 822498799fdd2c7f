import { availableParallelism } from 'node:os';
import { basename, join } from 'node:path';
import { Command } from 'commander';
import { InputError, requireOutput } from '../base/index.ts';
import { parsePolicy, runAudit } from '../evaluate/index.ts';
import { PERTURBATION_AXES, type PerturbationSpec, parsePerturbations } from '../home/index.ts';
import { interruptible } from './shared/interruptible.ts';
import { positive } from './shared/numbers.ts';
import { homeTasks, TASKS_HELP, tasksFor } from './shared/tasks.ts';

interface Options {
  policy: string;
  out: string;
  tasks?: string[];
  episodes: number;
  rowEpisodes?: number;
  hiddenEpisodes?: number;
  perturb: PerturbationSpec[];
  perturbEpisodes: number;
  source: Source[];
  workers: number;
  seed: string;
  maxSteps?: number;
  quick: boolean;
  json: boolean;
  quiet: boolean;
}

interface Source {
  readonly label: string;
  readonly folder: string;
}

/** What `--quick` plays: enough to see that all of it works. */
const QUICK = {
  episodes: 2,
  rowEpisodes: 1,
  hiddenEpisodes: 1,
  perturbEpisodes: 1,
  maxSteps: 60,
  workers: 1,
  demonstrations: 3,
} as const;
const LEVELS = [1, 2, 3] as const;

export function homeAudit(): Command {
  return new Command('audit')
    .description("the critics' four tests of a policy, on one page: shortcuts, significance, overfitting, data source")
    .requiredOption('--policy <who>', 'a checkpoint folder, household, or ws://HOST:PORT (fewer rows)')
    .requiredOption('--out <dir>', 'folder of the audit; goes on with what it holds')
    .option('--tasks <names>', TASKS_HELP, homeTasks)
    .option('--episodes <n>', 'instances of each task and split', positive, 50)
    .option('--row-episodes <n>', 'instances of each task for every other row (as --episodes)', positive)
    .option('--hidden-episodes <n>', 'hidden instances of each task for the rows per task (none)', positive)
    .option(
      '--perturb <axes>',
      'all, or AXIS[:LEVEL], separated by commas; every level when left out',
      perturbations,
      [],
    )
    .option('--perturb-episodes <n>', 'instances of each task and perturbation', positive, 20)
    .option(
      '--source <label=dir>',
      'an evaluation of other data, such as "400 demonstrations=DIR"; several',
      source,
      [],
    )
    .option('--workers <n>', 'threads, each with episodes of its own', positive, Math.min(2, availableParallelism()))
    .option('--seed <text>', "seed of the plans' noise", '0')
    .option('--max-steps <n>', "fewer steps than the tasks' time-outs", positive)
    .option('--quick', '2 episodes of 60 steps: whether all of it works', false)
    .option('--json', 'print one JSON object on stdout', false)
    .option('--quiet', 'no progress on stderr', false)
    .addHelpText(
      'after',
      '\nExample:\n  $ valet home audit --policy household --quick --out runs/audit\n\n' +
        'Ctrl-C keeps what is done and ends with exit code 130; the same command goes on.',
    )
    .action(run);
}

async function run(options: Options): Promise<void> {
  const { json, source: sources, quick, quiet, ...rest } = options;
  const say = (line: string) => void (quiet || process.stderr.write(`${line}\n`));
  const policy = parsePolicy(options.policy, { copies: options.workers, say });
  if (policy.kind !== 'checkpoint' && policy.kind !== 'remote')
    throw new InputError('--policy', `${options.policy} is a baseline of every audit (expected a policy of yours).`);
  const { out } = options;
  await requireOutput(out, { kind: 'folder' });
  const audit = await interruptible(
    'home audit',
    async (signal) =>
      runAudit({
        ...rest,
        ...(quick && QUICK),
        policy,
        name: policy.kind === 'remote' ? policy.url : basename(policy.folder),
        tasks: options.tasks ?? (await tasksFor(policy.kind === 'checkpoint' ? policy.folder : undefined)),
        sources,
        silent: quiet,
        signal,
        say,
      }),
    'the same command goes on',
  );
  if (json) {
    process.stdout.write(`${JSON.stringify({ ...audit, out })}\n`);
    return;
  }
  const splits = audit.splits.filter(({ name }) => name !== 'public');
  for (const { label, summary } of [...audit.shortcuts, ...audit.oracles, ...splits]) {
    const { mean, low, high } = summary.q;
    process.stdout.write(`${mean.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]  ${label}\n`);
  }
  process.stdout.write(`${join(out, 'audit.html')}\n`);
}

/** `all`, axes (every level of each), or axes with levels. */
function perturbations(text: string): PerturbationSpec[] {
  const parts = text === 'all' ? PERTURBATION_AXES : text.split(',').map((part) => part.trim());
  return parts.flatMap((part) => {
    const found = parsePerturbations(part, PERTURBATION_AXES);
    return part.includes(':') ? found : found.flatMap(({ axis }) => LEVELS.map((level) => ({ axis, level })));
  });
}

function source(text: string, before: Source[]): Source[] {
  const at = text.lastIndexOf('=');
  if (at <= 0 || at === text.length - 1)
    throw new InputError('--source', `"${text}" is no LABEL=DIR, such as "400 demonstrations=out/400".`);
  return [...before, { label: text.slice(0, at).trim(), folder: text.slice(at + 1) }];
}

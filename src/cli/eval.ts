import { availableParallelism } from 'node:os';
import { Command, Option } from 'commander';
import { InputError, parseRedisUrl, requireOutput } from '../base/index.ts';
import { parseRules, RULES_HELP, type RulesOption } from '../control/index.ts';
import {
  type EvaluationSummary,
  evaluate,
  evaluatePerturbed,
  type PolicySpec,
  parseInstances,
  parsePolicy,
  parseSeeds,
  qTable,
  robustnessLine,
  takesNoSeed,
  writeReport,
} from '../evaluate/index.ts';
import {
  LIMIT_YEARS,
  type LimitYear,
  PERTURBATION_AXES,
  type PerturbationSpec,
  parsePerturbations,
} from '../home/index.ts';
import { readKeyFile } from '../serve/index.ts';
import { ingestCommand } from './evalIngest.ts';
import { ENVIRONMENTS_HELP } from './shared/environments.ts';
import { filmProgress, VIDEO_HELP } from './shared/films.ts';
import { refuseIdle, requireGiven } from './shared/given.ts';
import { positive } from './shared/numbers.ts';
import {
  addPlanningOptions,
  PLANNING_OPTIONS,
  type PlanningOptionValues,
  plannerOptions,
  refuseIdlePlanning,
} from './shared/planning.ts';
import { addSessionOptions, SESSION_OPTIONS, type SessionOptionValues, sessionOptions } from './shared/session.ts';
import { homeTasks, TASKS_HELP, tasksFor } from './shared/tasks.ts';
import { addWaitOption, waiting } from './shared/waiting.ts';

interface Options extends PlanningOptionValues, SessionOptionValues {
  policy: string;
  tasks?: string[];
  instances: string;
  episodes?: number;
  out: string;
  workers: number;
  environments: number;
  seed?: string;
  seeds?: string[];
  maxSteps?: number;
  edition: LimitYear;
  perturb?: PerturbationSpec[];
  clean?: string;
  imageSize: number;
  actionChunkSize?: number;
  demos?: string;
  apiKeyFile?: string;
  wait?: number;
  rules?: RulesOption;
  compress: boolean;
  record: boolean;
  recordData?: string;
  report: boolean;
  video: boolean;
  resume: boolean;
  queue?: string;
  json: boolean;
  quiet: boolean;
}

export function command(): Command {
  const evaluation = new Command('eval')
    .description('rollouts of a policy in the household, into a ledger; --resume goes on with it')
    .option('--policy <who>', 'ws://HOST:PORT, a checkpoint folder, household, expert, hold or replay')
    .option('--tasks <names>', TASKS_HELP, homeTasks)
    .option('--instances <which>', 'public, hidden, train, or numbers such as 0-19', 'public')
    .option('--episodes <n>', 'instances of each task (10 of a split; all that are listed)', positive)
    .option('--out <dir>', 'evaluation folder')
    .option(
      '--workers <n>',
      'threads, each with episodes of its own; with --queue, episodes under way at a time on all machines (64)',
      positive,
      Math.min(2, availableParallelism()),
    )
    .option('--environments <n>', ENVIRONMENTS_HELP, positive, 1)
    .option('--seed <text>', "seed of the plans' noise and of the replayed demonstrations (0)")
    .option(
      '--seeds <list>',
      'several seeds, such as 0-4: every instance with each; intervals hold for both',
      parseSeeds,
    )
    .option('--resume', 'go on with the evaluation in the folder', false)
    .option('--max-steps <n>', "fewer steps than the tasks' time-outs", positive)
    .addOption(
      new Option('--edition <year>', "whose time-outs: 2 (2025) or 1.5 (2026) times the experts' mean")
        .choices(LIMIT_YEARS)
        .default('2025'),
    )
    .option(
      '--perturb <axes>',
      'what goes wrong in every episode: AXIS[:LEVEL], separated by commas; levels 1 to 3 (2). Axes: ' +
        PERTURBATION_AXES.join(', '),
      (text: string) => parsePerturbations(text, PERTURBATION_AXES),
    )
    .option('--clean <dir>', 'with --perturb: a clean evaluation of the same policy (played into OUT/baselines/clean)')
    .option('--cameras, --image-size <pixels>', 'side of the pictures that a server gets', positive, 64)
    .option(
      '--action-chunk-size <k>',
      'actions that a server is asked for at a time, as by the evaluator of 2026 (1)',
      positive,
    )
    .option('--demos <dir>', 'data set whose actions replay plays (fresh demonstrations otherwise)')
    .option('--api-key-file <file>', 'key for the server');
  // Options behind its name are the subcommand's own.
  evaluation.enablePositionalOptions().addCommand(ingestCommand());
  addWaitOption(evaluation).optionsGroup('A checkpoint:');
  addPlanningOptions(evaluation);
  return addSessionOptions(evaluation)
    .option('--rules <names>', `a checkpoint's rules: ${RULES_HELP}`, parseRules)
    .option('--no-compress', 'without squeezing plans in time')
    .optionsGroup('Output:')
    .option('--no-record', 'keep no rollouts, only scores')
    .option(
      '--record-data <dir>',
      'keep the rollouts as a LeRobot data set, with their outcome (train instances alone)',
    )
    .option('--no-report', 'write no report.html')
    .option('--video', VIDEO_HELP, false)
    .option('--queue <redis>', 'redis://HOST:PORT: workers on any machine play the episodes (valet worker)')
    .option('--json', 'print one JSON object on stdout', false)
    .option('--quiet', 'no progress on stderr', false)
    .addHelpText(
      'after',
      '\nExamples:\n  $ valet eval --policy expert --tasks turning_on_radio --instances 0-4 --out runs/expert' +
        '\n  $ valet eval --policy household --instances 0-9 --perturb latency:2,light --out runs/late' +
        '\n  $ valet eval --policy ws://127.0.0.1:8000 --instances hidden --episodes 50 --out runs/hidden' +
        '\n  $ valet eval --policy household --instances train --out runs/train --record-data rollouts' +
        '\n  $ valet eval --policy household --queue redis://127.0.0.1:6379 --out runs/many',
    )
    .action(run);
}

/** What concerns one kind of policy alone. */
const OF_CHECKPOINTS = [...PLANNING_OPTIONS, 'rules', 'compress', ...SESSION_OPTIONS];

function refuseWhatDoesNothing(policy: PolicySpec, name: string, command: Command): void {
  const why = `with --policy ${name}`;
  if (policy.kind !== 'checkpoint') refuseIdle(command, OF_CHECKPOINTS, why);
  else refuseIdle(command, ['imageSize'], why);
  if (takesNoSeed(policy)) refuseIdle(command, ['seed', 'seeds'], why);
  if (policy.kind !== 'remote') refuseIdle(command, ['apiKeyFile', 'wait', 'actionChunkSize'], why);
  if (policy.kind !== 'replay') refuseIdle(command, ['demos'], why);
  if (policy.kind !== 'checkpoint' && policy.kind !== 'remote') refuseIdle(command, ['environments'], why);
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

async function run(options: Options, command: Command): Promise<void> {
  requireGiven(command, ['policy', 'out']);
  const { out, demos, queue } = options;
  if (queue !== undefined) {
    parseRedisUrl(queue);
    refuseIdle(command, ['environments'], 'with --queue: say it to valet worker');
  }
  if (options.seed !== undefined && options.seeds !== undefined)
    throw new InputError('valet eval', '--seed and --seeds exclude each other. Name one of them.');
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  for (const name of SIGNALS) process.once(name, interrupt);
  const named = parsePolicy(options.policy, {
    demos,
    planner: plannerOptions(options),
    copies: options.workers,
    say: (line) => void process.stderr.write(`${line}\n`),
    session: {
      ...sessionOptions(options),
      ...(options.rules !== undefined && { rules: options.rules }),
      ...(!options.compress && { compress: false }),
    },
  });
  refuseWhatDoesNothing(named, options.policy, command);
  refuseIdlePlanning(command, options);
  const policy = named.kind === 'remote' ? await asServed(named, options) : named;
  if (options.perturb === undefined) refuseIdle(command, ['clean'], 'without --perturb');
  if (!options.report || !options.record) refuseIdle(command, ['video'], 'without recordings and report');
  const instances = parseInstances(options.instances, options.episodes);
  await requireOutput(out, { kind: 'folder' });
  if (options.recordData !== undefined) await requireOutput(options.recordData, { kind: 'folder' });
  const settings = {
    policy,
    tasks: options.tasks ?? (await tasksFor(policy.kind === 'checkpoint' ? policy.folder : undefined)),
    instances,
    out,
    environments: options.environments,
    workers: queue !== undefined && command.getOptionValueSource('workers') !== 'cli' ? undefined : options.workers,
    queue,
    resume: options.resume,
    seed: options.seed,
    seeds: options.seeds,
    maxSteps: options.maxSteps,
    edition: options.edition,
    imageSize: options.imageSize,
    record: options.record,
    recordData: options.recordData,
    silent: options.quiet,
    signal: stop.signal,
    ...waiting(options),
    onNotice: (notice: string) => void (options.quiet || process.stderr.write(`${notice}\n`)),
  };
  const { perturb, clean } = options;
  const perturbed = perturb && (await evaluatePerturbed({ ...settings, perturb, clean }));
  const summary = perturbed ?? (await evaluate(settings));
  // All episodes are booked. A signal ends what is left at once: films and page can be made again (valet report).
  for (const name of SIGNALS) process.off(name, interrupt);
  const page = options.report
    ? await writeReport(out, { films: options.video, progress: filmProgress(options.quiet) })
    : undefined;
  if (options.json) process.stdout.write(`${JSON.stringify({ ...summary, out })}\n`);
  else {
    const lost = perturbed ? `${robustnessLine(perturbed)}\n` : '';
    process.stdout.write(`${qTable(summary)}\n${lost}${page ?? out}\n`);
  }
  if (reportMissing(summary)) process.exitCode = 1;
}

/** A server's policy with what only it takes. */
async function asServed(
  policy: Extract<PolicySpec, { kind: 'remote' }>,
  { apiKeyFile, actionChunkSize: chunkSize }: Options,
): Promise<PolicySpec> {
  return {
    ...policy,
    ...(chunkSize !== undefined && { chunkSize }),
    ...(apiKeyFile !== undefined && { apiKey: await readKeyFile(apiKeyFile) }),
  };
}

/** Says why an evaluation ended early. @returns whether episodes are missing */
export function reportMissing({ stopped, missing }: EvaluationSummary): boolean {
  if (stopped !== undefined) process.stderr.write(`stopped: ${stopped}\n`);
  if (missing)
    process.stderr.write(`${missing.length} episodes have no result. Mend the cause, then go on with --resume.\n`);
  return missing !== undefined;
}

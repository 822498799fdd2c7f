import { existsSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { Command, Option } from 'commander';
import { codeVersion, duration, InputError, makeFolder, requireOutput } from '../base/index.ts';
import { type EvaluationSummary, evaluate, parseInstances, qTable, writeReport } from '../evaluate/index.ts';
import { checkpointProvenance, PlannerClient } from '../model/index.ts';
import { createLogger, startServer } from '../serve/index.ts';
import { DEVICES, type Device } from '../tensor/index.ts';
import { reportMissing } from './eval.ts';
import { checkedCheckpoint } from './shared/chosenCheckpoint.ts';
import { positive } from './shared/numbers.ts';
import { addStatisticsOption } from './shared/otherStatistics.ts';
import { homeTasks, TASKS_HELP, tasksFor } from './shared/tasks.ts';

interface Options {
  out?: string;
  episodes?: number;
  instances: string;
  policy: string;
  tasks?: string[];
  workers: number;
  maxSteps?: number;
  seed: string;
  otherStatistics: boolean;
  device: Device;
  precision: 'float32' | 'float16';
  json: boolean;
  quiet: boolean;
}

const BASELINES = ['hold', 'replay'] as const;
/** Scenes of each task, unless told: of many tasks fewer, so that a demo is over in minutes. */
const scenesOf = (tasks: number): number => (tasks > 3 ? 2 : 5);

export function command(): Command {
  const demo = new Command('demo')
    .description('the shipped small policy does household tasks over a real websocket; q table and page')
    .option('--out <dir>', 'evaluation folder, a new one (a temporary one by default)')
    .option(
      '--episodes <n>',
      'unseen scenes of each task (5 of a split, 2 where the tasks are more than three; all that are listed)',
      positive,
    )
    .option('--instances <which>', 'which scenes', 'public')
    .option('--policy <folder>', 'checkpoint folder, or the name of a policy that comes with the package', 'household')
    .option('--tasks <names>', TASKS_HELP, homeTasks);
  return addStatisticsOption(demo)
    .option('--workers <n>', 'robots at a time', positive, 2)
    .option('--max-steps <n>', "fewer steps than the tasks' time-outs", positive)
    .option('--seed <text>', "seed of the plans' noise", '0')
    .addOption(new Option('--device <name>', 'what computes the network').choices(DEVICES).default('cpu'))
    .addOption(
      new Option('--precision <type>', 'in what it computes').choices(['float32', 'float16']).default('float32'),
    )
    .option('--json', 'print one JSON object on stdout', false)
    .option('--quiet', 'no progress on stderr', false)
    .addHelpText('after', '\nExample:\n  $ valet demo --episodes 5 --out runs/demo')
    .action(run);
}

async function run(options: Options): Promise<void> {
  const begun = performance.now();
  const say = (text: string) => void (options.quiet || process.stderr.write(`${text}\n`));
  const checkpoint = await checkedCheckpoint(options.policy, options);
  if (!existsSync(join(checkpoint, 'config.json')))
    throw new InputError(
      'valet demo',
      `there is no policy ${options.policy} (no config.json in ${checkpoint}). Name a checkpoint folder by --policy.`,
    );
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  const tasks = options.tasks ?? (await tasksFor(checkpoint));
  // A list is played as it is, of a split the first few.
  const listed = /^\s*\d/.test(options.instances);
  const plan = {
    tasks,
    instances: parseInstances(options.instances, options.episodes ?? (listed ? undefined : scenesOf(tasks.length))),
    workers: options.workers,
    seed: options.seed,
    maxSteps: options.maxSteps,
    silent: options.quiet,
    signal: stop.signal,
  };

  if (options.out !== undefined)
    await requireOutput(options.out, { kind: 'folder', fresh: 'Choose a new folder; valet eval can go on with one.' });
  const out = resolve(options.out ?? (await mkdtemp(join(tmpdir(), 'valet-demo-'))));
  await makeFolder(out);
  say(`Loading ${options.policy} …`);
  const planner = await PlannerClient.start(checkpoint, {
    device: options.device,
    precision: options.precision,
    otherStatistics: options.otherStatistics,
  });
  const server = await startServer({
    plannerFor: () => planner,
    sessionOptions: { seed: options.seed, ...planner.session },
    port: 0,
    metadata: {
      server: 'valet',
      policy: options.policy,
      code: { ...codeVersion() },
      checkpoints: [{ ...(await checkpointProvenance(checkpoint)) }],
    },
    logger: createLogger('error'),
  });
  let summary: EvaluationSummary;
  try {
    await server.ready;
    const [url] = server.urls as [string, ...string[]];
    say(`Serving at ${url}. ${plan.instances.length} unseen scenes of ${plan.tasks.join(', ')}:`);
    const scenes = plan.instances.length * plan.tasks.length;
    const label = `The ${basename(options.policy)} policy in ${scenes} unseen scenes`;
    summary = await evaluate({
      ...plan,
      policy: { kind: 'remote', url },
      imageSize: planner.imageSize,
      out,
      label,
      progressLabel: 'policy',
    });
  } finally {
    await server.close();
    await planner.close();
  }
  const baselines: Record<string, EvaluationSummary> = {};
  for (const kind of BASELINES)
    baselines[kind] = await evaluate({
      ...plan,
      policy: { kind },
      out: join(out, 'baselines', kind),
      record: false,
      progressLabel: kind.padEnd(6),
    });
  const page = await writeReport(out);
  if (options.json) process.stdout.write(`${JSON.stringify({ ...summary, baselines, out })}\n`);
  else process.stdout.write(`\n${qTable(summary, baselines)}\n\nPage with the rollouts: ${page}\n`);
  say(`Done in ${duration((performance.now() - begun) / 1000)}.`);
  if (reportMissing(summary)) process.exitCode = 1;
}

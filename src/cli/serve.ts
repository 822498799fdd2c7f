import { readFile } from 'node:fs/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { InputError } from '../base/index.ts';
import { parseRules, RULES_HELP, type RulesOption } from '../control/index.ts';
import { type Planner, PlannerClient } from '../model/index.ts';
import {
  BatchingPlanner,
  checkExposure,
  checkpointFolder,
  createLogger,
  type PolicyServer,
  type Routes,
  readRoutes,
  route,
  startServer,
} from '../serve/index.ts';
import { DEVICES, type Device } from '../tensor/index.ts';

interface Options {
  checkpoint?: string;
  mapping?: string;
  host: string;
  port: readonly number[];
  apiKeyFile?: string;
  open: boolean;
  threads?: number;
  batch: number;
  samplingSteps?: number;
  device: Device;
  precision: 'float32' | 'float16';
  timeThresholdInpaint?: number;
  correlationBeta?: number;
  correlatedNoise: boolean;
  seed: string;
  rules: RulesOption;
  compress: boolean;
  maxConnections: number;
  planTimeout: number;
  logLevel: 'silent' | 'error' | 'warn' | 'info' | 'debug';
}

export function command(): Command {
  return new Command('serve')
    .description('the policy server: any evaluator of the official wire connects to it')
    .option(
      '--checkpoint <folder>',
      'checkpoint folder, or the name of a policy that comes with the package (household)',
    )
    .option('--mapping <file>', 'JSON {"default": FOLDER, "tasks": {"0-9,12": FOLDER}}: a checkpoint per task')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port, a range such as 8000-8063, or 0 for a free one', ports, [8000])
    .option('--api-key-file <file>', 'clients must send the key in this file')
    .option('--open', 'listen on an address that other machines reach without asking for a key', false)
    .option('--threads <n>', 'threads of the network', positive)
    .option(
      '--batch <n>',
      'robots whose plans may share one pass; each power of two up to it takes memory',
      positive,
      1,
    )
    .option('--sampling-steps <n>', "flow steps of a plan (the checkpoint's own by default)", positive)
    .option('--time-threshold-inpaint <t>', 'hold kept actions while the flow time is above this', share)
    .option('--correlation-beta <share>', "share of the data's correlation in the starting noise", share)
    .option('--no-correlated-noise', 'start plans from white noise')
    .addOption(new Option('--device <name>', 'what computes the network').choices(DEVICES).default('cpu'))
    .addOption(
      new Option('--precision <type>', 'in what it computes').choices(['float32', 'float16']).default('float32'),
    )
    .option('--seed <text>', "seed of the plans' noise", '0')
    .option('--rules <names>', `rules of System 2: ${RULES_HELP}`, parseRules, true)
    .option('--no-rules', 'without any rule')
    .option('--no-compress', 'without squeezing plans in time')
    .option('--max-connections <n>', 'robots at a time, on each port', positive, 64)
    .option('--plan-timeout <seconds>', 'longest time for one plan', positive, 300)
    .addOption(
      new Option('--log-level <level>', 'log on stderr')
        .choices(['silent', 'error', 'warn', 'info', 'debug'])
        .default('info'),
    )
    .addHelpText(
      'after',
      '\nExample:\n  $ valet serve --checkpoint household --port 0\n\nPrints {"listening": ["ws://…"]} once plans can be made. SIGTERM ends it gracefully.',
    )
    .action(serve);
}

async function serve(options: Options): Promise<void> {
  const routes = await readTarget(options);
  const apiKey = options.apiKeyFile === undefined ? undefined : await readKey(options.apiKeyFile);
  checkExposure(options.host, apiKey, options.open);
  const logger = createLogger(options.logLevel);
  const stop = nextSignal();
  const planners = new Map<string, Planner>();
  const servers: PolicyServer[] = [];
  try {
    for (const folder of new Set([...routes.byTask.values(), ...(routes.otherwise ? [routes.otherwise] : [])])) {
      logger.info({ folder }, 'loading');
      const { threads, samplingSteps, batch, device, precision, timeThresholdInpaint, correlationBeta } = options;
      const batchSizes = [1, 2, 4, 8, 16, 32].filter((size) => size <= batch);
      const planner = await PlannerClient.start(folder, {
        threads,
        samplingSteps,
        device,
        precision,
        batchSizes,
        timeThresholdInpaint,
        correlationBeta,
        ...(!options.correlatedNoise && { useCorrelatedNoise: false }),
      });
      planners.set(folder, batch > 1 ? new BatchingPlanner(planner, batch) : planner);
    }
    const probeTask = routes.otherwise === undefined ? Math.min(...routes.byTask.keys()) : 0;
    for (const port of options.port)
      servers.push(
        await startServer({
          plannerFor: (taskId) => planners.get(route(routes, taskId))!,
          sessionOptions: { seed: options.seed, rules: options.rules, compress: options.compress },
          host: options.host,
          port,
          ...(apiKey === undefined ? {} : { apiKey }),
          open: options.open,
          metadata: { server: 'valet', tasks: [...routes.byTask.keys()] },
          probeTask,
          limits: { maxConnections: options.maxConnections, planTimeoutMs: 1000 * options.planTimeout },
          logger,
        }),
      );
    await Promise.race([Promise.all(servers.map((server) => server.ready)), stop]);
    if (!stop.came) {
      const listening = servers.flatMap((server) => server.urls);
      process.stdout.write(`${JSON.stringify({ listening })}\n`);
      await stop;
    }
    logger.info('shutting down');
  } finally {
    await Promise.all(servers.map((server) => server.close()));
    await Promise.all([...planners.values()].map((planner) => planner.close()));
  }
}

async function readTarget({ checkpoint, mapping }: Options): Promise<Routes> {
  if ((checkpoint === undefined) === (mapping === undefined))
    throw new InputError('valet serve', 'needs either --checkpoint or --mapping. Try --checkpoint household.');
  return mapping === undefined ? { byTask: new Map(), otherwise: checkpointFolder(checkpoint!) } : readRoutes(mapping);
}

async function readKey(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new InputError(path, `the API key cannot be read (${error.code}).`);
  });
  const key = text.trim();
  if (/\s/.test(key) || key === '') throw new InputError(path, 'holds no API key (expected one line).');
  return key;
}

/** Settles with the first SIGTERM or SIGINT; the second one ends the process at once. */
function nextSignal(): Promise<void> & { came: boolean } {
  let resolve: () => void;
  const promise = Object.assign(new Promise<void>((settle) => (resolve = settle)), { came: false });
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      if (promise.came) process.exit(1);
      promise.came = true;
      resolve();
    });
  return promise;
}

function ports(text: string): number[] {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const [first, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  if (!match || last < first || last > 65535 || last - first >= 256 || (first === 0 && last > 0))
    throw new InvalidArgumentError('expected a port, or a range of up to 256 such as 8000-8063.');
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

function share(text: string): number {
  const number = Number(text);
  if (!(number >= 0 && number <= 1) || text.trim() === '')
    throw new InvalidArgumentError('expected a number from 0 to 1.');
  return number;
}

function positive(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('expected a positive whole number.');
  return number;
}

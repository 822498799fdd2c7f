import { readFile } from 'node:fs/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { defaultMemory, InputError, parseBytes } from '../base/index.ts';
import { parseRules, RULES_HELP, type RulesOption } from '../control/index.ts';
import { checkpointFolder } from '../model/index.ts';
import {
  type CheckpointMapping,
  CheckpointPool,
  checkExposure,
  createLogger,
  DEFAULT_LIMITS,
  folderOfTask,
  isLoopback,
  type Json,
  type Logger,
  Metrics,
  type PolicyServer,
  planningWorkers,
  RecordedSessions,
  Recorder,
  ranges,
  readCheckpointMapping,
  type ServerLimits,
  type ServerOptions,
  startServer,
  taskStages,
  tryPlanner,
} from '../serve/index.ts';
import { numberOption, positive, whole } from './shared/numbers.ts';
import { addPlanningOptions, type PlanningOptionValues, plannerOptions } from './shared/planning.ts';

interface Options extends PlanningOptionValues {
  checkpoint?: string;
  mapping?: string;
  replay?: string;
  record?: string;
  host: string;
  port: readonly number[];
  apiKeyFile?: string;
  insecure: boolean;
  open: boolean;
  tlsCert?: string;
  tlsKey?: string;
  workers: number;
  threads?: number;
  batch: number;
  batchWaitMs: number;
  maxWaitingPlans: number;
  planAhead: number;
  memory: number;
  preload: boolean;
  reloadSeconds: number;
  seed: string;
  rules: RulesOption;
  compress: boolean;
  maxConnections: number;
  maxConnectionRate: number;
  maxMessageBytes: number;
  maxArrayBytes: number;
  maxDepth: number;
  maxValues: number;
  maxRate: number;
  planTimeout: number;
  idleTimeout: number;
  resumeSeconds: number;
  shutdownSeconds: number;
  logLevel: 'silent' | 'error' | 'warn' | 'info' | 'debug';
}

export function command(): Command {
  const limits = DEFAULT_LIMITS;
  const planned = new Command('serve')
    .description('the policy server: any evaluator of the official wire connects to it')
    .option(
      '--checkpoint <folder>',
      'checkpoint folder, or the name of a policy that comes with the package (household)',
    )
    .option('--mapping <file>', "a checkpoint per task: the original's task_checkpoint_mapping.json, or a short form")
    .option('--replay <folder>', 'answer from recordings, without a model')
    .option('--record <folder>', 'store what comes and goes, a file per session')
    .optionsGroup('Addresses and keys:')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <port>', 'port, a range such as 8000-8063, or 0 for a free one', ports, [8000])
    .option('--api-key-file <file>', 'clients must send the key in this file')
    .option('--insecure', 'listen on an address that other machines reach without asking for a key', false)
    .addOption(new Option('--open', 'earlier name of --insecure').default(false).hideHelp())
    .option('--tls-cert <file>', 'certificate chain, PEM; clients then connect to wss://')
    .option('--tls-key <file>', 'private key of the certificate, PEM')
    .optionsGroup('Planning:')
    .option('--workers <n>', 'threads that plan, each with a network of its own, for every checkpoint', positive, 1)
    .option('--threads <n>', 'threads of the network, in each worker', positive)
    .option(
      '--batch <n>',
      'robots whose plans may share one pass; each power of two up to it takes memory',
      positive,
      1,
    )
    .option('--batch-wait-ms <ms>', 'how long a plan may wait for others to share its pass', whole, 5)
    .option('--max-waiting-plans <n>', 'plans that may wait; the robots beyond are told to try later', positive, 1024)
    .option(
      '--plan-ahead <k>',
      'begin the next plan while the buffer still holds k actions (0: when it is empty)',
      ahead,
      0,
    )
    .option(
      '--memory <bytes>',
      'what all checkpoints together may take, such as 12GB (default: 3/4 of the machine)',
      bytes,
    )
    .option('--preload', 'load all checkpoints of the mapping at the start, as far as memory goes', false)
    .option('--reload-seconds <s>', 'how often checkpoint folders are looked at for a change; 0: never', seconds, 2);
  return addPlanningOptions(planned)
    .option('--plan-timeout <seconds>', 'longest time for one plan', fraction, limits.planTimeoutMs / 1000)
    .optionsGroup('Sessions:')
    .option('--seed <text>', "seed of the plans' noise; a client may ask for its own with ?seed=", '0')
    .option('--rules <names>', `rules of System 2: ${RULES_HELP}`, parseRules, true)
    .option('--no-rules', 'without any rule')
    .option('--no-compress', 'without squeezing plans in time')
    .option('--idle-timeout <seconds>', 'a session without a message for so long ends', fraction, limits.idleMs / 1000)
    .option(
      '--resume-seconds <seconds>',
      'how long the session of a lost connection is kept for clients that asked with ?session=new',
      seconds,
      limits.resumeMs / 1000,
    )
    .optionsGroup('Limits:')
    .option('--max-connections <n>', 'robots at a time, on all ports together', positive, limits.maxConnections)
    .option('--max-connection-rate <n>', 'new connections a second', positive, limits.maxConnectionsPerSecond)
    .option('--max-message-bytes <bytes>', 'largest message', bytes, limits.maxMessageBytes)
    .option('--max-array-bytes <bytes>', 'largest array, or picture as pixels', bytes, limits.maxArrayBytes)
    .option('--max-depth <n>', 'deepest nesting of a message', positive, limits.maxDepth)
    .option('--max-values <n>', 'most values in a message', positive, limits.maxValues)
    .option(
      '--max-rate <n>',
      'messages a second of one client; a faster one is slowed',
      positive,
      limits.maxMessagesPerSecond,
    )
    .option(
      '--shutdown-seconds <seconds>',
      'how long the end waits for plans under way',
      seconds,
      limits.closeMs / 1000,
    )
    .addOption(
      new Option('--log-level <level>', 'log on stderr')
        .choices(['silent', 'error', 'warn', 'info', 'debug'])
        .default('info'),
    )
    .addHelpText(
      'after',
      '\nExample:\n  $ valet serve --checkpoint household --port 0\n\nPrints {"listening": ["ws://…"]} once plans can be made. SIGTERM ends it gracefully. docs/serving.md explains each option.',
    )
    .action(serve);
}

async function serve(options: Options): Promise<void> {
  const { host, logLevel, record } = options;
  checkTarget(options);
  const apiKey = options.apiKeyFile === undefined ? undefined : await readKey(options.apiKeyFile);
  const open = options.insecure || options.open;
  checkExposure(host, apiKey, open);
  const tls = await readTls(options);
  const logger = createLogger(logLevel);
  if (!isLoopback(host) && apiKey === undefined)
    logger.warn({ host }, 'anybody who reaches this address may drive robots');
  else if (!isLoopback(host) && !tls)
    logger.warn({ host }, 'the key and all pictures travel unencrypted; see --tls-cert');
  const stop = nextSignal();
  const metrics = new Metrics();
  const closers: (() => Promise<unknown>)[] = [];
  try {
    const recorder = record === undefined ? undefined : await Recorder.open(record, { logger });
    if (recorder) closers.push(() => recorder.close());
    let server: PolicyServer | undefined;
    const { stages, ...source } = await openSource(options, logger, metrics, () => server?.connections ?? 1, closers);
    server = await startServer({
      ...source,
      sessionOptions: {
        seed: options.seed,
        rules: options.rules,
        compress: options.compress,
        ...(stages && { taskNumStages: stages }),
      },
      planAhead: options.planAhead,
      host,
      port: options.port,
      tls,
      ...(apiKey === undefined ? {} : { apiKey }),
      open,
      limits: serverLimits(options),
      logger,
      metrics,
      ...(recorder && { tap: recorder }),
    });
    const { close, ready, urls } = { close: server.close.bind(server), ready: server.ready, urls: server.urls };
    closers.push(close);
    await Promise.race([ready, stop]);
    if (!stop.came) {
      process.stdout.write(`${JSON.stringify({ listening: urls })}\n`);
      await stop;
    }
    logger.info('shutting down');
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

type Source = Pick<ServerOptions, 'plannerFor' | 'responderFor' | 'isUp' | 'metadata' | 'probeTask'> & {
  /** Stages of each task, of the checkpoints that plan for them. */
  readonly stages?: readonly number[];
};

/** What answers: checkpoints in a pool, or recordings. */
async function openSource(
  options: Options,
  logger: Logger,
  metrics: Metrics,
  robots: () => number,
  closers: (() => Promise<unknown>)[],
): Promise<Source> {
  if (options.replay !== undefined) {
    const recorded = await RecordedSessions.open(options.replay);
    closers.push(() => recorded.close());
    return { responderFor: () => recorded.responder() };
  }
  const mapping = await readTarget(options);
  const pool = openPool(options, mapping, logger, metrics, robots);
  closers.push(() => pool.close());
  const first = mapping.otherwise === undefined ? Math.min(...mapping.byTask.keys()) : 0;
  // The one that /healthz stands for is loaded before anybody is listened to: what is wrong with it is said in one line.
  await pool.open(folderOfTask(mapping, first));
  if (options.preload) {
    const left = await pool.preload(mapping.paths.values());
    if (left.length > 0) logger.warn({ folders: left }, 'not preloaded: they do not fit --memory');
  }
  const metadata: Record<string, Json> = { server: 'valet', tasks: [...mapping.byTask.keys()] };
  logger.info({ tasks: ranges([...mapping.byTask.keys()]), checkpoints: pool.folders.length }, 'ready to serve');
  return {
    plannerFor: (taskId) => pool.planner(folderOfTask(mapping, taskId)),
    isUp: () => pool.isUp,
    metadata,
    probeTask: first,
    stages: await taskStages(mapping),
  };
}

function openPool(
  options: Options,
  mapping: CheckpointMapping,
  logger: Logger,
  metrics: Metrics,
  robots: () => number,
): CheckpointPool {
  const taskOf = new Map([...mapping.byTask].map(([task, name]) => [mapping.paths.get(name), task]));
  const load = planningWorkers({
    workers: options.workers,
    planner: {
      ...plannerOptions(options),
      threads: options.threads,
      onPass: (timing) => metrics.timed(timing),
    },
    batching: {
      size: options.batch,
      waitMs: options.batch > 1 ? options.batchWaitMs : 0,
      expected: robots,
      maxWaiting: options.maxWaitingPlans,
      onPass: (pass) => metrics.pass(pass),
      onWaiting: (change) => metrics.queued.inc(change),
    },
    supervision: {
      planTimeoutMs: 1000 * options.planTimeout,
      onRestart: (why) => {
        metrics.restarts.inc({ why });
        logger.error({ why }, 'a planning worker ended; another one starts');
      },
      onFailedRestart: (error) => logger.error({ err: error }, 'a planning worker could not be started; trying again'),
    },
  });
  return new CheckpointPool(load, {
    memoryBytes: options.memory ?? defaultMemory(),
    reloadMs: 1000 * options.reloadSeconds,
    trial: (planner, folder) => tryPlanner(planner, taskOf.get(folder) ?? 0),
    logger,
    onChange: ({ count, bytes: taken }) => {
      metrics.checkpoints.set(count);
      metrics.checkpointBytes.set(taken);
    },
    onLoad: (how) => metrics.loads.inc({ how }),
  });
}

function serverLimits(options: Options): Partial<ServerLimits> {
  return {
    maxConnections: options.maxConnections,
    maxConnectionsPerSecond: options.maxConnectionRate,
    maxMessageBytes: options.maxMessageBytes,
    maxArrayBytes: options.maxArrayBytes,
    maxDepth: options.maxDepth,
    maxValues: options.maxValues,
    maxMessagesPerSecond: options.maxRate,
    planTimeoutMs: 1000 * options.planTimeout,
    idleMs: 1000 * options.idleTimeout,
    resumeMs: 1000 * options.resumeSeconds,
    closeMs: 1000 * options.shutdownSeconds,
  };
}

function checkTarget({ checkpoint, mapping, replay }: Options): void {
  if ([checkpoint, mapping, replay].filter((target) => target !== undefined).length !== 1)
    throw new InputError(
      'valet serve',
      'needs either --checkpoint or --mapping (or --replay). Try --checkpoint household.',
    );
}

async function readTarget({ checkpoint, mapping }: Options): Promise<CheckpointMapping> {
  if (mapping !== undefined) return readCheckpointMapping(mapping);
  const folder = checkpointFolder(checkpoint!);
  return { paths: new Map([[folder, folder]]), byTask: new Map(), otherwise: folder };
}

async function readTls({ tlsCert, tlsKey }: Options): Promise<{ cert: string; key: string } | undefined> {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined)
    throw new InputError('valet serve', 'TLS needs both --tls-cert and --tls-key.');
  const read = (path: string) =>
    readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      throw new InputError(path, `cannot be read (${error.code}).`);
    });
  return { cert: await read(tlsCert), key: await read(tlsKey) };
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

const ahead = numberOption(
  'a whole number from 0 to 12',
  (value) => Number.isInteger(value) && value >= 0 && value <= 12,
);
const seconds = numberOption('seconds, 0 to 1000000', (value) => value >= 0 && value <= 1e6);
const fraction = numberOption('seconds, more than 0 and up to 1000000', (value) => value > 0 && value <= 1e6);

function bytes(text: string): number {
  try {
    return parseBytes(text);
  } catch {
    throw new InvalidArgumentError('expected a number of bytes such as 12GB or 500MiB.');
  }
}

import { Command, InvalidArgumentError, Option } from 'commander';
import { endProcess, InputError, parseBytes } from '../base/index.ts';
import { parseRules, RULES_HELP, type RulesOption } from '../control/index.ts';
import {
  createLogger,
  DEFAULT_LIMITS,
  isLoopback,
  type PlanningSettings,
  parseOrigin,
  parsePorts,
  parsePrefix,
  readKeyFile,
  readTlsFiles,
  type ServerLimits,
  type StartOptions,
  serveCheckpoint,
  serveRecordings,
} from '../serve/index.ts';
import { chosenCheckpoint } from './shared/chosenCheckpoint.ts';
import { refuseIdle } from './shared/given.ts';
import { numberOption, positive, whole } from './shared/numbers.ts';
import {
  addPlanningOptions,
  PLANNING_OPTIONS,
  type PlanningOptionValues,
  plannerOptions,
  refuseIdlePlanning,
} from './shared/planning.ts';
import { addSessionOptions, SESSION_OPTIONS, type SessionOptionValues, sessionOptions } from './shared/session.ts';

interface Options extends PlanningOptionValues, SessionOptionValues {
  checkpoint?: string;
  mapping?: string;
  replay?: string;
  record?: string;
  host: string;
  port: readonly number[];
  apiKeyFile?: string;
  insecure: boolean;
  allowOrigin?: string[];
  prefix?: string;
  tlsCert?: string;
  tlsKey?: string;
  workers: number;
  threads?: number;
  batch: number;
  batchWaitMs: number;
  maxWaitingPlans: number;
  planAhead: number;
  memory?: number;
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
    .option(
      '--allow-origin <origins...>',
      'web pages that may connect, such as https://robots.example; * for any',
      origins,
    )
    .option('--prefix <path>', 'a path below which it answers too, for proxies that do not take it away', prefix)
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
  addPlanningOptions(planned)
    .option('--plan-timeout <seconds>', 'longest time for one plan', fraction, limits.planTimeoutMs / 1000)
    .optionsGroup('Sessions:');
  return addSessionOptions(planned)
    .option('--seed <text>', "seed of the plans' noise; a client may ask for its own with ?seed=", '0')
    .option('--rules <names>', `rules of System 2: ${RULES_HELP}`, parseRules, true)
    .option('--no-rules', 'without any rule')
    .option('--no-compress', 'without squeezing plans in time')
    .option('--idle-timeout <seconds>', 'a session without a message for so long ends', fraction, limits.idleMs / 1000)
    .option(
      '--resume-seconds <seconds>',
      'how long the session of a lost connection waits for its client; 0: not at all',
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
      '\nExample:\n  $ valet serve --checkpoint household --port 0\n\n' +
        'Prints {"listening": ["ws://…"]} once plans can be made. ' +
        'SIGTERM ends it gracefully. docs/serving.md explains each option.',
    )
    .action(serve);
}

async function serve(options: Options, command: Command): Promise<void> {
  const { checkpoint, mapping, replay } = options;
  if ([checkpoint, mapping, replay].filter((target) => target !== undefined).length !== 1)
    throw new InputError(
      'valet serve',
      'needs either --checkpoint or --mapping (or --replay). Try --checkpoint household.',
    );
  refuseWhatDoesNothing(options, command);
  const settings = await startOptions(options);
  const stop = nextSignal();
  const starting =
    replay === undefined
      ? serveCheckpoint({
          mapping,
          ...(checkpoint !== undefined && { checkpoint: await chosenCheckpoint(checkpoint) }),
          ...settings,
          ...planningSettings(options),
        })
      : serveRecordings(replay, settings);
  const running = await Promise.race([starting, stop]);
  // Nobody is served yet: what is being loaded is not waited for.
  if (!running) return endProcess(0);
  const { server, close } = running;
  try {
    await Promise.race([server.ready, stop]);
    if (!stop.came) {
      process.stdout.write(`${JSON.stringify({ listening: server.urls })}\n`);
      await stop;
    }
    settings.logger?.info('shutting down');
  } finally {
    await close();
  }
}

/** What plans and executes; recordings do neither. */
const OF_CHECKPOINTS = [
  ...PLANNING_OPTIONS,
  ...SESSION_OPTIONS,
  ...['workers', 'threads', 'batch', 'batchWaitMs', 'maxWaitingPlans', 'planAhead', 'planTimeout'],
  ...['memory', 'preload', 'reloadSeconds', 'seed', 'rules', 'compress'],
];

/** @throws InputError that names the first option that another one makes idle */
function refuseWhatDoesNothing(options: Options, command: Command): void {
  if (options.replay !== undefined) refuseIdle(command, OF_CHECKPOINTS, 'with --replay');
  if (options.mapping === undefined) refuseIdle(command, ['preload'], 'without --mapping');
  if (options.batch === 1) refuseIdle(command, ['batchWaitMs'], 'without a --batch above 1');
  if (options.apiKeyFile !== undefined) refuseIdle(command, ['insecure'], 'with --api-key-file');
  if (isLoopback(options.host))
    refuseIdle(command, ['insecure'], `on ${options.host}, which only this machine reaches`);
  refuseIdlePlanning(command, options);
}

async function startOptions(options: Options): Promise<StartOptions> {
  const { apiKeyFile, tlsCert, tlsKey } = options;
  const apiKey = apiKeyFile === undefined ? undefined : await readKeyFile(apiKeyFile);
  return {
    host: options.host,
    port: options.port,
    tls: await readTlsFiles(tlsCert, tlsKey),
    ...(apiKey !== undefined && { apiKey }),
    open: options.insecure,
    allowOrigins: options.allowOrigin,
    prefix: options.prefix,
    record: options.record,
    sessionOptions: {
      ...sessionOptions(options),
      ...{ seed: options.seed, rules: options.rules, compress: options.compress },
    },
    planAhead: options.planAhead,
    limits: serverLimits(options),
    logger: createLogger(options.logLevel),
  };
}

function planningSettings(options: Options): PlanningSettings {
  return {
    planner: { ...plannerOptions(options), ...(options.threads !== undefined && { threads: options.threads }) },
    workers: options.workers,
    batch: options.batch,
    batchWaitMs: options.batchWaitMs,
    maxWaitingPlans: options.maxWaitingPlans,
    memoryBytes: options.memory,
    preload: options.preload,
    reloadMs: 1000 * options.reloadSeconds,
  };
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

/** Settles with the first SIGTERM or SIGINT; the second one ends the process at once. */
function nextSignal(): Promise<void> & { came: boolean } {
  let resolve: () => void;
  const promise = Object.assign(new Promise<void>((settle) => (resolve = settle)), { came: false });
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      if (promise.came) return void endProcess(1);
      promise.came = true;
      resolve();
    });
  return promise;
}

function ports(text: string): number[] {
  try {
    return parsePorts(text);
  } catch {
    throw new InvalidArgumentError('expected a port, or a range of up to 256 such as 8000-8063.');
  }
}

function origins(text: string, before: readonly string[] = []): string[] {
  return [...before, told(() => parseOrigin(text))];
}

const prefix = (text: string): string => told(() => parsePrefix(text));

/** What a reader of text says of it, as commander's own errors. */
function told<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
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

import { defaultMemory } from '../../base/index.ts';
import { requireWorkable } from '../../control/index.ts';
import { checkStatistics, type PlannerOptions } from '../../model/index.ts';
import { createLogger, type Logger } from '../log.ts';
import {
  type CheckpointMapping,
  CheckpointPool,
  folderOfTask,
  planningWorkers,
  ranges,
  readMappedCheckpoints,
  requireMapped,
  tryPlanner,
} from '../planners/index.ts';
import { DEFAULT_LIMITS, type Json, Metrics } from '../server/index.ts';
import { ServedProvenance } from './provenance.ts';
import type { OpenedSource, StartOptions } from './runningServer.ts';

/** How checkpoints are loaded and plans are made. */
export interface PlanningSettings {
  /** How plans are drawn and computed: device, threads, steps, noise. */
  readonly planner?: PlannerOptions;
  /** Threads that plan, each with a network of its own, for every checkpoint; 1 when left out. */
  readonly workers?: number;
  /** Robots whose plans may share one pass; 1 when left out. */
  readonly batch?: number;
  /** How long a plan may wait for others to share its pass; 5 when left out. */
  readonly batchWaitMs?: number;
  /** Plans that may wait; the robots beyond are told to try later. */
  readonly maxWaitingPlans?: number;
  /** Bytes that all checkpoints together may take; most of the machine's when left out. */
  readonly memoryBytes?: number | undefined;
  /** Load all checkpoints of the mapping at the start, as far as memory goes. */
  readonly preload?: boolean;
  /** How often checkpoint folders are looked at for a change; 0 = never, the default. */
  readonly reloadMs?: number;
}

/**
 * Checkpoints in a pool of planning workers, the first of them loaded: what is wrong with it is said before anybody is
 * listened to.
 * @throws InputError for checkpoints that are not there, unfit or of different robots, or a first one that cannot be
 *   loaded
 */
export async function openCheckpoints(
  mapping: CheckpointMapping,
  settings: PlanningSettings,
  start: StartOptions,
  robots: () => number,
): Promise<OpenedSource> {
  const { logger = createLogger('silent'), metrics = new Metrics() } = start;
  await requireMapped(mapping, settings.planner);
  const { robot, stages, session: own } = await readMappedCheckpoints(mapping);
  if (!own) logger.warn('the checkpoints have their plans executed differently; the original way is taken');
  for (const folder of new Set(mapping.paths.values())) {
    const note = await checkStatistics(folder, settings.planner ?? {});
    if (note !== undefined) logger.warn(note);
  }
  const metadata: Record<string, Json> = {};
  const provenance = new ServedProvenance(metadata, mapping, logger);
  const pool = openPool(mapping, settings, { ...start, logger, metrics, provenance }, robots);
  try {
    const probeTask = mapping.otherwise === undefined ? Math.min(...mapping.byTask.keys()) : 0;
    await pool.open(folderOfTask(mapping, probeTask));
    if (settings.preload) {
      const left = await pool.preload(mapping.paths.values());
      if (left.length > 0) logger.warn({ folders: left }, 'not preloaded: they do not fit --memory');
    }
    const session = { ...stages, ...own, ...start.sessionOptions };
    if (robot) requireWorkable({ ...session, robot });
    const tasks = [...mapping.byTask.keys()];
    logger.info({ tasks: ranges(tasks), checkpoints: pool.folders.length, robot: robot?.name }, 'checkpoints are open');
    // A client that connects again must know that the server holds its history.
    Object.assign(metadata, { server: 'valet', tasks, needs_session: true });
    if (robot) Object.assign(metadata, { robot: robot.name, action_width: robot.width, horizon: robot.horizon });
    await provenance.tell();
    return {
      options: {
        plannerFor: (taskId) => pool.planner(folderOfTask(mapping, taskId)),
        isUp: () => pool.isUp,
        ...(robot && { robot }),
        metadata,
        metrics,
        probeTask,
        sessionOptions: session,
      },
      close: () => pool.close(),
    };
  } catch (error) {
    await pool.close();
    throw error;
  }
}

/** Who hears what becomes of the checkpoints. */
interface PoolHearers {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly provenance: ServedProvenance;
}

function openPool(
  mapping: CheckpointMapping,
  settings: PlanningSettings,
  { logger, metrics, limits, provenance }: StartOptions & PoolHearers,
  robots: () => number,
): CheckpointPool {
  const { workers = 1, batch = 1, batchWaitMs = 5, maxWaitingPlans = 1024, planner } = settings;
  const { planTimeoutMs } = { ...DEFAULT_LIMITS, ...limits };
  const taskOf = new Map([...mapping.byTask].map(([task, name]) => [mapping.paths.get(name), task]));
  const load = planningWorkers({
    workers,
    planner: { ...planner, onPass: (timing) => metrics.timed(timing) },
    batching: {
      size: batch,
      waitMs: batch > 1 ? batchWaitMs : 0,
      expected: robots,
      maxWaiting: maxWaitingPlans,
      onPass: (pass) => metrics.pass(pass),
      onWaiting: (change) => metrics.queued.inc(change),
    },
    supervision: {
      onRestart: (why) => {
        metrics.restarts.inc({ why });
        logger.error({ why }, 'a planning worker ended; another one starts');
      },
      onFailedRestart: (error) => logger.error({ err: error }, 'a planning worker could not be started; trying again'),
    },
  });
  return new CheckpointPool(load, {
    memoryBytes: settings.memoryBytes ?? defaultMemory(),
    reloadMs: settings.reloadMs ?? 0,
    trial: (loaded, folder, signal) => tryPlanner(loaded, taskOf.get(folder) ?? 0, planTimeoutMs, signal),
    logger,
    onChange: ({ count, bytes }) => {
      metrics.checkpoints.set(count);
      metrics.checkpointBytes.set(bytes);
    },
    onEntry: (folder, fingerprint) => provenance.hasLoaded(folder, fingerprint),
    onLoad: (how) => metrics.loads.inc({ how }),
  });
}

import { InputError, ValetError } from '../../base/index.ts';
import { createSession, type EpisodeSession, SESSION_DEFAULTS, type SessionOptions } from '../../control/index.ts';
import type { Robot } from '../../robot/index.ts';
import { readObservation, unpackMessage } from '../../wire/index.ts';
import type { Logger } from '../log.ts';
import { Caller } from '../planners/index.ts';
import type { ServerLimits } from './limits.ts';
import type { Metrics } from './metrics.ts';
import { ObservationPrint } from './observationPrint.ts';
import { aheadSession } from './planAhead.ts';
import type { PlanGateway } from './planGateway.ts';
import { PlannedActions } from './plannedActions.ts';
import { PolicyActions } from './policyActions.ts';
import type { Responder } from './responder.ts';
import type { SessionEvents } from './robotRow.ts';
import { RobotSession } from './robotSession.ts';
import { RowPlans } from './rowPlans.ts';
import type { ServerOptions, SessionIdentity } from './serverOptions.ts';

export interface ConversationsOptions {
  readonly server: ServerOptions;
  readonly limits: ServerLimits;
  /** Absent where a policy or a responder answers. */
  readonly gateway: PlanGateway | undefined;
  /** Whose messages policies answer. */
  readonly policyRobot: Robot;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** Sets up what answers a connection: a robot's session on plans or on a policy, or whatever the caller gives. */
export class Conversations {
  /** Notices that were logged: once for the server, not for each session. */
  private readonly noticed = new Set<string>();

  constructor(private readonly options: ConversationsOptions) {}

  /** What the caller has answer the bytes of a connection itself, if it does. */
  async foreign(identity: SessionIdentity): Promise<Responder | undefined> {
    return this.options.server.responderFor?.(identity);
  }

  /** Says in the log, before the first session, what of System 2 is off. */
  tell(): void {
    const { gateway, server } = this.options;
    if (gateway && this.noticed.size === 0)
      this.tellNotices(createSession({ ...sessionSettings(server), robot: gateway.robot }));
  }

  /** Whether a seed that a client names counts: policies draw from their own. */
  get takesSeeds(): boolean {
    return this.options.gateway !== undefined;
  }

  /** @throws InputError for `seed`, comma-separated where robots have their own, without one for each robot */
  open(identity: SessionIdentity, log: Logger, seed?: string): RobotSession {
    const { server, gateway, policyRobot } = this.options;
    const { unpack } = this;
    const events = this.events(log);
    if (gateway) {
      const caller = new Caller();
      const plans = new RowPlans(gateway, caller);
      const openSource = (row: number) => this.planned(gateway, plans, row, { log, seed: seedOf(seed, row) });
      const together = plans.together.bind(plans);
      return new RobotSession({ robot: gateway.robot, openSource, together, caller, unpack, events });
    }
    const { policyFor } = server;
    if (!policyFor) throw new InputError('serve', 'has nothing to answer with.');
    const openSource = async (row: number) => {
      const policy = await policyFor({ ...identity, id: row === 0 ? identity.id : `${identity.id}.${row}` });
      return new PolicyActions(policy, policyRobot, unpack.maxArrayBytes);
    };
    return new RobotSession({ robot: policyRobot, openSource, unpack, events });
  }

  /**
   * The observations in a client's message as they are known again; undefined for a reset, and for what is wrong: the
   * session will say so.
   */
  prints(bytes: Uint8Array): readonly ObservationPrint[] | undefined {
    try {
      const message = unpackMessage(bytes, this.unpack);
      if (message instanceof Map && message.has('reset')) return undefined;
      const { observations } = readObservation(message, this.options.gateway?.robot ?? this.options.policyRobot);
      return observations.map((observation) => new ObservationPrint(observation));
    } catch (error) {
      if (error instanceof ValetError) return undefined;
      throw error;
    }
  }

  private planned(
    gateway: PlanGateway,
    plans: RowPlans,
    row: number,
    { log, seed }: { readonly log: Logger; readonly seed: string | undefined },
  ): PlannedActions {
    const { server, metrics } = this.options;
    const { robot } = gateway;
    const onBlack = (camera: string) => {
      metrics.black.inc({ camera });
      log.warn({ camera, row }, 'a camera is all black; its last picture is shown');
    };
    const onFrozen = (camera: string, observations: number) => {
      metrics.frozen.inc({ camera });
      const after = sessionSettings(server).frozenAfter ?? SESSION_DEFAULTS.frozenAfter;
      if (observations === after + 1) log.warn({ camera, row }, 'a camera stands still while the robot moves');
    };
    const settings = { ...sessionSettings(server), robot, onBlack, onFrozen };
    const session = createSession({ ...settings, ...(seed !== undefined && { seed }) });
    this.tellNotices(session);
    return new PlannedActions({
      session,
      robot,
      gateway: plans.source(row),
      planAhead: server.planAhead ?? 0,
      maxPictureBytes: this.unpack.maxArrayBytes,
      onUnsafe: () => {
        metrics.unsafe.inc({ what: 'plan' });
        log.error('a plan is not finite; the last safe action is sent instead');
        gateway.readiness.doubt();
      },
      onAhead: (outcome) => metrics.ahead.inc({ outcome }),
    });
  }

  /** What was asked of System 2 and is off. */
  private tellNotices({ notices }: EpisodeSession): void {
    for (const notice of notices) {
      if (this.noticed.has(notice)) continue;
      this.noticed.add(notice);
      this.options.log.warn({ notice }, 'a part of System 2 is off');
    }
  }

  private events(log: Logger): SessionEvents {
    const { metrics } = this.options;
    return {
      onReset: () => metrics.resets.inc(),
      onReply: (ms, note) => {
        metrics.observations.inc();
        metrics.replySeconds.observe({ planned: note?.planned ? 'yes' : 'no' }, ms / 1000);
      },
      onRule: (rule, reason) => {
        metrics.rules.inc({ rule });
        log.info({ rule, reason }, 'rule fired');
      },
      onStage: (stage, before) => {
        metrics.stageChanges.inc();
        log.debug({ stage, before }, 'stage changed');
      },
    };
  }

  private get unpack() {
    const { maxValues, maxDepth, maxArrayBytes } = this.options.limits;
    return { maxValues, maxDepth, maxArrayBytes, dropOddKeys: true };
  }
}

/** The seed of robot `row`: one for all, or the robot's own of a comma-separated list. */
function seedOf(text: string | undefined, row: number): string | undefined {
  const seeds = text?.split(',');
  if (!seeds || seeds.length === 1) return text;
  const seed = seeds[row];
  if (seed === undefined)
    throw new InputError('address', `?seed= names ${seeds.length} seeds (expected one for all robots, or one each).`);
  return seed;
}

/** The sessions' options; with planning ahead, plans are executed less far, so that the early rows fit the horizon. */
function sessionSettings({ sessionOptions = {}, planAhead = 0 }: ServerOptions): Partial<SessionOptions> {
  if (planAhead <= 0) return sessionOptions;
  const { executeActions, executeSteps, keepActions } = { ...SESSION_DEFAULTS, ...sessionOptions };
  const horizon = executeActions + keepActions;
  return { ...sessionOptions, ...aheadSession(planAhead, { horizon, executeActions, executeSteps, keepActions }) };
}

import { InputError } from '../../base/index.ts';
import { createSession, type EpisodeSession, SESSION_DEFAULTS, type SessionOptions } from '../../control/index.ts';
import type { Robot } from '../../robot/index.ts';
import type { Logger } from '../log.ts';
import type { ServerLimits } from './limits.ts';
import type { Metrics } from './metrics.ts';
import { aheadSession } from './planAhead.ts';
import type { PlanGateway } from './planGateway.ts';
import { PlannedActions, type PlannedSnapshot } from './plannedActions.ts';
import { PolicyActions } from './policyActions.ts';
import type { Responder } from './responder.ts';
import { type ConversationSnapshot, RobotSession, type SessionEvents } from './robotSession.ts';
import type { ServerOptions, SessionIdentity } from './serverOptions.ts';

/** All that a session knows, as plain JSON. */
export interface ConversationState {
  readonly conversation: ConversationSnapshot;
  readonly planned: PlannedSnapshot;
}

/** What can be kept of a conversation and gone on with over another connection. */
export interface Resumable {
  /** Replies sent so far. */
  readonly replies: number;
  state(): ConversationState;
}

/** What answers one connection. */
export interface Conversation {
  readonly responder: Responder;
  readonly resumable?: Resumable;
  /** The session's own seed, when its client named one and its plans are drawn from it. */
  readonly seed?: string;
}

/** A session that goes on: its state, and how many replies its client got. */
export interface Resumption {
  readonly state: ConversationState;
  readonly received?: number | undefined;
}

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

  async open(
    identity: SessionIdentity,
    { log, seed, resumption }: { log: Logger; seed?: string | undefined; resumption?: Resumption | undefined },
  ): Promise<Conversation> {
    const { server, gateway } = this.options;
    if (server.responderFor) return { responder: await server.responderFor(identity) };
    if (server.policyFor) {
      const { policyRobot: robot } = this.options;
      const source = new PolicyActions(await server.policyFor(identity), robot, this.unpack.maxArrayBytes);
      return { responder: new RobotSession({ robot, source, unpack: this.unpack, events: this.events(log) }) };
    }
    if (!gateway) throw new InputError('serve', 'has nothing to answer with.');
    return this.planned(gateway, log, seed, resumption);
  }

  private planned(
    gateway: PlanGateway,
    log: Logger,
    seed: string | undefined,
    resumption: Resumption | undefined,
  ): Conversation {
    const { server, metrics } = this.options;
    const { robot } = gateway;
    const session = createSession({ ...sessionSettings(server), robot, ...(seed !== undefined && { seed }) });
    this.tellNotices(session);
    const source = new PlannedActions({
      session,
      robot,
      gateway,
      planAhead: server.planAhead ?? 0,
      maxPictureBytes: this.unpack.maxArrayBytes,
      onUnsafe: () => {
        metrics.unsafe.inc({ what: 'plan' });
        log.error('a plan is not finite; the last safe action is sent instead');
        gateway.readiness.doubt();
      },
      onAhead: (outcome) => metrics.ahead.inc({ outcome }),
    });
    const responder = new RobotSession({ robot, source, unpack: this.unpack, events: this.events(log) });
    if (resumption) {
      source.restore(resumption.state.planned);
      responder.restore(resumption.state.conversation, resumption.received);
    }
    const resumable: Resumable = {
      get replies() {
        return responder.replies;
      },
      state: () => ({ conversation: responder.snapshot(), planned: source.snapshot() }),
    };
    return { responder, resumable, ...(seed !== undefined && { seed }) };
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
    return { maxValues, maxDepth, maxArrayBytes };
  }
}

/** The sessions' options; with planning ahead, plans are executed less far, so that the early rows fit the horizon. */
function sessionSettings({ sessionOptions = {}, planAhead = 0 }: ServerOptions): Partial<SessionOptions> {
  if (planAhead <= 0) return sessionOptions;
  const { executeActions, executeSteps, keepActions } = { ...SESSION_DEFAULTS, ...sessionOptions };
  const horizon = executeActions + keepActions;
  return { ...sessionOptions, ...aheadSession(planAhead, { horizon, executeActions, executeSteps, keepActions }) };
}

import type { SessionOptions } from '../../control/index.ts';
import type { Policy, Robot } from '../../robot/index.ts';
import type { Logger } from '../log.ts';
import type { UrgentPlanner } from '../planners/index.ts';
import type { ServerLimits } from './limits.ts';
import type { Tls } from './listen.ts';
import type { MessageObserver } from './messageObserver.ts';
import type { Metrics } from './metrics.ts';
import type { Responder } from './responder.ts';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** A session's name in logs and recordings (no secret), and what its client's address asked for. */
export interface SessionIdentity {
  readonly id: string;
  readonly query: Readonly<Record<string, string>>;
}

/** Where the actions come from. One of the three. */
export interface AnswerSource {
  /** The planner for a task; may load one, or throw InputError for a task that no checkpoint covers. */
  readonly plannerFor?: (taskId: number) => UrgentPlanner | Promise<UrgentPlanner>;
  /** A policy of its own for each connection, in place of planner and session. */
  readonly policyFor?: (session: SessionIdentity) => Policy | Promise<Policy>;
  /** Whatever answers the bytes of each connection, in place of planner and session. */
  readonly responderFor?: (session: SessionIdentity) => Responder | Promise<Responder>;
}

export interface ServerOptions extends AnswerSource {
  /** The robot that is served: the planners' when left out; the challenge's for policies. */
  readonly robot?: Robot;
  /** How each robot's session is set up; the robot is the server's. */
  readonly sessionOptions?: Partial<Omit<SessionOptions, 'robot'>>;
  /** Begin a plan while the buffer still holds this many actions; 0, the default: when it is empty. */
  readonly planAhead?: number;
  readonly host?: string;
  /** One port or several; 0 takes a free one. */
  readonly port?: number | readonly number[];
  readonly tls?: Tls | undefined;
  readonly apiKey?: string;
  /** Lets everyone in on an address that other machines can reach, without a key. */
  readonly open?: boolean;
  /** Origins of web pages that may connect beside the server's own (`https://host`, or `*` for any). */
  readonly allowOrigins?: readonly string[] | undefined;
  /** A path below which the server stands too, such as `/valet`, for proxies that do not take it away. */
  readonly prefix?: string | undefined;
  /** The first message of every connection, and part of /info. */
  readonly metadata?: { readonly [key: string]: Json };
  /** The task of the trial plan that /healthz stands for. */
  readonly probeTask?: number;
  /** Whether the planners can plan now, as far as they know; all is well when left out. */
  readonly isUp?: () => boolean;
  readonly limits?: Partial<ServerLimits>;
  readonly logger?: Logger;
  readonly metrics?: Metrics;
  readonly observer?: MessageObserver | undefined;
}

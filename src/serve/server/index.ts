export { checkExposure, isLoopback } from './access.ts';
export { DEFAULT_LIMITS, type ServerLimits } from './limits.ts';
export { requirePorts, type Tls } from './listen.ts';
export type { MessageObserver } from './messageObserver.ts';
export { Metrics } from './metrics.ts';
export { PlanError } from './planError.ts';
export type { Responder } from './responder.ts';
export { PolicyServer, startServer } from './server.ts';
export type { Json, ServerOptions, SessionIdentity } from './serverOptions.ts';

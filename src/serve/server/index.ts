export { checkExposure, isLoopback } from './access.ts';
export { DEFAULT_LIMITS, type ServerLimits } from './limits.ts';
export { Metrics } from './metrics.ts';
export {
  type Json,
  PolicyServer,
  type ServerOptions,
  type SessionIdentity,
  startServer,
  tryPlanner,
} from './server.ts';
export type { MessageTap, Responder } from './tap.ts';

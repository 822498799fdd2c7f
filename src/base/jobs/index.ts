/** Jobs that are done on other machines: given out, and done, over a queue in a Redis. */
export { JobCoordinator } from './coordinator.ts';
export type { Announcement } from './messages.ts';
export { parseRedisUrl } from './redis.ts';
export { serveJobs } from './serveJobs.ts';
export type { JobHandler, JobSession } from './session.ts';
export { requireVersions } from './versions.ts';

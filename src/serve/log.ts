import { type Logger, pino } from 'pino';

export type { Logger };

/** A structured log on stderr, one JSON object a line. */
export function createLogger(level: 'silent' | 'error' | 'warn' | 'info' | 'debug' = 'info'): Logger {
  return pino(
    { name: 'valet', level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 2, sync: true }),
  );
}

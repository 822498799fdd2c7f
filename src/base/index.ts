/** What every layer stands on: errors, seeded random numbers, files written aside, workers, progress. Knows nothing of tensors or robots. */
import './telemetry.ts';

export * from './checksums.ts';
export * from './errors.ts';
export * from './files.ts';
export * from './machine.ts';
export * from './packageVersion.ts';
export * from './parse.ts';
export * from './progress.ts';
export * from './random.ts';
export * from './requireMemory.ts';
export * from './worker.ts';

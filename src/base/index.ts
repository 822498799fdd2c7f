/**
 * What every layer stands on: errors, seeded random numbers, files written aside, workers, progress. Knows nothing of
 * tensors or robots.
 */
import './telemetry.ts';

export { answerCalls, Transfer } from './answerCalls.ts';
export { crc32c, digestOf } from './checksums.ts';
export { COMMIT_FILE, type CodeVersion, codeVersion, sourceCommit } from './codeVersion.ts';
export {
  FormatError,
  InputError,
  NotBuiltError,
  nearest,
  present,
  systemError,
  UnreachableError,
  ValetError,
} from './errors.ts';
export { escapeHtml } from './escapeHtml.ts';
export { aside, isAlive, jsonText, removeAbandoned, writeFileAside, writeFolderAside } from './files.ts';
export { FLOAT16_MAX, FLOAT16_MIN_NORMAL, fromFloat16, toFloat16 } from './float16.ts';
export { type FolderLock, LockedError, lockFolder } from './folderLock.ts';
export { makeFolder, requireOutput } from './folders.ts';
export { bfloat16ToFloat32, float16ToFloat32 } from './half.ts';
export {
  type Announcement,
  JobCoordinator,
  type JobHandler,
  type JobSession,
  parseRedisUrl,
  requireVersions,
  serveJobs,
} from './jobs/index.ts';
export { eachOfJournal, readJournal } from './journal.ts';
export { eachJsonLine, jsonLineAt, type LinePlace, readJsonLines, writeJsonLines } from './jsonLines.ts';
export { type Memory, machineMemory } from './machine.ts';
export { portFree, processor, softwareVersions } from './machineReport.ts';
export { defaultMemory, parseBytes } from './memorySize.ts';
export { AbandonedError, native, throwIfAbandoned } from './nativeCalls.ts';
export { numberRanges, rangesText } from './numberRanges.ts';
export { packageRoot, packageVersion } from './packageRoot.ts';
export {
  type Communicator,
  isEndOfRanks,
  type Launch,
  launchOf,
  MpiRanks,
  type SharedRanks,
  sharedRanks,
  ThreadRanks,
} from './parallel/index.ts';
export { oneLine, parse, readJson } from './parse.ts';
export { type ProcessMemory, processMemory } from './processMemory.ts';
export { duration, Progress } from './progress.ts';
export { Random } from './random.ts';
export { Rate } from './rate.ts';
export { bytesText, type MemoryRefusal, type MemorySetting, memoryRefusal, requireMemory } from './requireMemory.ts';
export { significant } from './significant.ts';
export { fullError, isFull, isUnwritable } from './unwritable.ts';
export { endProcess, WorkerClient } from './worker.ts';

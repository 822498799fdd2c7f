export { counted, Ledger, type LedgerLine, MAX_ATTEMPTS, openUnits, readLedger, settled } from './ledger.ts';
export {
  CheckpointSchema,
  CodeSchema,
  claimFolder,
  evaluationVersions,
  noteCheckpointsAtEnd,
  type RunFile,
  RunFileSchema,
  runFilePath,
} from './runFile.ts';
export { parseInstances, type Unit, unitName, unitsOf } from './unit.ts';

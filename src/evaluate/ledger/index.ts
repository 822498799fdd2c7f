export { counted, Ledger, type LedgerLine, openUnits, readLedger, settled, unitsOfLedger } from './ledger.ts';
export { askedUnits, claimFolder, evaluationVersions, noteCheckpointsAtEnd, runFilePath } from './runFile.ts';
export { CheckpointSchema, CodeSchema, type RunFile, RunFileSchema } from './runRecord.ts';
export { parseInstances, type Unit, unitName, unitsOf } from './unit.ts';

export { counted, Ledger, openUnits, readLedger, settled, unitsOfLedger } from './ledger.ts';
export { type LedgerLine, lineText } from './ledgerLine.ts';
export { askedUnits, claimFolder, evaluationVersions, noteCheckpointsAtEnd, runFilePath, runName } from './runFile.ts';
export { CheckpointSchema, CodeSchema, type RunFile, RunFileSchema, takesNoSeed } from './runRecord.ts';
export { contentOf } from './sameEvaluation.ts';
export { parseInstances, type Unit, unitName, unitsOf } from './unit.ts';

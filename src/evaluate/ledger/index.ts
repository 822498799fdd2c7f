export { Ledger, type LedgerLine, MAX_ATTEMPTS, openUnits, readLedger, settled } from './ledger.ts';
export { claimFolder, type RunFile, RunFileSchema, runFilePath, versions } from './runFile.ts';
export { parseInstances, type Unit, unitName, unitsOf } from './unit.ts';

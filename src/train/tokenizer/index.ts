export { assetIds, ownAssetId } from './assetIds.ts';
export type { CheckJob, CheckReport, FitJob, FitReport } from './job.ts';
export { vocabularyFolder } from './vocabularyFolder.ts';

/** Checkpoints of other programs: orbax (OCDBT, zarr), openpi trees, safetensors. */

export { type Asset, findAssets } from './assets.ts';
export { configOf as configOfTree } from './configOf.ts';
export { type CopyJob, copyLeaves } from './copyLeaves.ts';
export { type ExportOptions, type ExportReport, exportCheckpoint } from './exportCheckpoint.ts';
export { type ImportOptions, type ImportReport, importCheckpoint } from './importCheckpoint.ts';
export { initialiseAsOriginal } from './initialiseAsOriginal.ts';
export { openTree, type StoredTree, weightsOf } from './openTree.ts';
export { type ImportPlan, planImport } from './planImport.ts';
export { readLeaf, streamLeaf } from './readLeaf.ts';
export * from './recognise.ts';
export { bytesOf, elementsOf, type StoredLeaf } from './storedLeaf.ts';
export type { StoredType } from './storedType.ts';
export { toNumbers } from './storedType.ts';

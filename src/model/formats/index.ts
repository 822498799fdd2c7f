/** Checkpoints of other programs: orbax (OCDBT, zarr), openpi trees, safetensors. */

export { initialiseAsOriginal } from './initialiseAsOriginal.ts';
export { openTree, type StoredTree } from './openTree.ts';
export { type ImportPlan, planImport } from './planImport.ts';
export { readLeaf, streamLeaf } from './readLeaf.ts';
export * from './recognise.ts';
export { bytesOf, elementsOf, type StoredLeaf } from './storedLeaf.ts';
export type { StoredType } from './storedType.ts';

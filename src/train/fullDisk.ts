import { appendFile, stat, truncate } from 'node:fs/promises';

/** What `train` does when its files cannot be written. */
export type WhenFull = 'stop' | 'go-on';

/** Appends to a file, or leaves it as it was. */
export async function appendWhole(path: string, text: string | Uint8Array): Promise<void> {
  await undoing(path, () => appendFile(path, text));
}

/** Work that appends to a file; where it fails, the file is as it was. */
export async function undoing(path: string, work: () => Promise<void>): Promise<void> {
  const before = await stat(path).catch(() => undefined);
  try {
    await work();
  } catch (error) {
    // What was begun is taken back; where even that fails, a reader passes over half a line.
    await truncate(path, before?.size ?? 0).catch(() => undefined);
    throw error;
  }
}

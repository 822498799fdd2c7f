import { InputError } from './errors.ts';
import { machineMemory } from './machine.ts';

/** A way to do the same work, such as `--batch 4`, and what it takes in bytes. */
export interface MemorySetting {
  readonly setting: string;
  readonly bytes: number;
}

/** Why something cannot be done here, and the nearest setting with which it can. */
export interface MemoryRefusal {
  readonly reason: string;
  readonly advice: string;
}

/**
 * Compares what is needed with what there is.
 * @param alternatives nearest first, asked for only when `bytes` do not fit
 */
export function memoryRefusal(
  what: string,
  bytes: number,
  available: number,
  alternatives: () => readonly MemorySetting[],
): MemoryRefusal | undefined {
  if (bytes <= available) return undefined;
  const others = alternatives();
  const fitting = others.find((other) => other.bytes <= available);
  const least = others.reduce<MemorySetting | undefined>(
    (best, other) => (best && best.bytes <= other.bytes ? best : other),
    undefined,
  );
  return {
    reason: `${what} needs about ${bytesText(bytes)} of memory (${bytesText(available)} can be used here)`,
    advice: fitting
      ? `nearest setting that fits: ${fitting.setting} (about ${bytesText(fitting.bytes)})`
      : `no setting fits${least ? `: even ${least.setting} needs about ${bytesText(least.bytes)}` : ''}`,
  };
}

/**
 * The door before everything that takes much memory: refuses with numbers and the nearest setting that fits, rather
 * than being killed half-way. VALET_IGNORE_MEMORY=1 opens it. @param ask gets the bytes that can be had
 * @throws InputError
 */
export function requireMemory(
  where: string,
  ask: (available: number) => MemoryRefusal | undefined,
  {
    available,
    ignore = process.env['VALET_IGNORE_MEMORY'] === '1',
  }: { readonly available?: number | undefined; readonly ignore?: boolean } = {},
): void {
  if (ignore) return;
  const refusal = ask(available ?? machineMemory().usable);
  if (!refusal) return;
  const { reason, advice } = refusal;
  throw new InputError(
    where,
    `${reason}. ${advice.slice(0, 1).toUpperCase()}${advice.slice(1)}. VALET_IGNORE_MEMORY=1 goes on all the same.`,
  );
}

/** `3.82 GB`, `250 MB`. */
export function bytesText(bytes: number): string {
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(bytes < 1e10 ? 2 : 1)} GB`;
}

import { InputError } from './errors.ts';
import { machineMemory } from './machine.ts';

/** A way to do the same work, such as `--batch 4`, and what it takes in bytes. */
export interface MemorySetting {
  readonly setting: string;
  readonly bytes: number;
}

export interface MemoryCheck {
  /** Bytes that can be had; what the machine and its control groups leave when left out. */
  readonly available?: number;
  /** Go on anyway; VALET_IGNORE_MEMORY=1 when left out. */
  readonly ignore?: boolean;
}

/**
 * The door before everything that takes much memory: refuses with numbers, and with the first of `alternatives` (nearest first, asked
 * for only then) that fits, rather than being killed half-way.
 * @throws InputError
 */
export function requireMemory(
  where: string,
  what: string,
  bytes: number,
  alternatives: () => readonly MemorySetting[],
  { available = machineMemory().usable, ignore = process.env['VALET_IGNORE_MEMORY'] === '1' }: MemoryCheck = {},
): void {
  if (ignore || bytes <= available) return;
  const others = alternatives();
  const fitting = others.find((other) => other.bytes <= available);
  const least = others.reduce<MemorySetting | undefined>(
    (best, other) => (best && best.bytes <= other.bytes ? best : other),
    undefined,
  );
  const way = fitting
    ? `Nearest setting that fits: ${fitting.setting} (about ${bytesText(fitting.bytes)}).`
    : `No setting fits${least ? `: even ${least.setting} needs about ${bytesText(least.bytes)}` : ''}.`;
  throw new InputError(
    where,
    `${what} needs about ${bytesText(bytes)} of memory (${bytesText(available)} can be used here). ${way} VALET_IGNORE_MEMORY=1 goes on all the same.`,
  );
}

/** `3.82 GB`, `250 MB`. */
export function bytesText(bytes: number): string {
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(bytes < 1e10 ? 2 : 1)} GB`;
}

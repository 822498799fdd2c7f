/** A checkpoint on the disk. */
export interface KeptCheckpoint {
  readonly step: number;
  /** When it was written, ms. */
  readonly time: number;
}

/** Which checkpoints stay; the newest are always among them. */
export interface Retention {
  /** So many of the newest. */
  readonly keepCheckpoints: number;
  readonly keepEvery: {
    /** Those of every so many updates. */
    readonly updates: number | null;
    /** One of every so many hours. */
    readonly hours: number | null;
  };
}

/**
 * The checkpoints that go.
 * @param spared steps that stay for another reason: the best one, and those that wait for their rollouts
 */
export function removable(
  checkpoints: readonly KeptCheckpoint[],
  { keepCheckpoints, keepEvery: { updates, hours } }: Retention,
  spared: ReadonlySet<number> = new Set(),
): number[] {
  const sorted = [...checkpoints].sort((a, b) => a.step - b.step);
  const old = sorted.slice(0, -keepCheckpoints);
  const byTime = new Set<number>();
  let last = Number.NEGATIVE_INFINITY;
  for (const { step, time } of hours === null ? [] : sorted) {
    if (time - last < (hours ?? 0) * 3_600_000) continue;
    byTime.add(step);
    last = time;
  }
  return old
    .map(({ step }) => step)
    .filter((step) => !(updates !== null && step % updates === 0) && !byTime.has(step) && !spared.has(step));
}

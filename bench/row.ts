/** One measured number of a benchmark, as `valet bench NAME --json` prints it. */
export interface BenchRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** What the same work was measured on beside it; null when there is no peer, or it is not installed. */
  readonly peer: string | null;
  readonly peerValue: number | null;
  /** value / peerValue: below 1 Valet needs less time. */
  readonly ratio: number | null;
}

/** Settings that some benchmarks take; each names its own in its summary. */
export interface BenchSettings {
  readonly config?: string;
  readonly dtype?: string;
  readonly checkpoint?: string;
  readonly peer?: 'none';
  /** Of a benchmark that measures in a process of its own: what that process measures. */
  readonly measure?: string;
  /** How long an endurance run lasts. */
  readonly minutes?: number;
}

export interface Benchmark {
  readonly summary: string;
  /** `note` takes a line for a person. */
  run(options: {
    readonly threads: number;
    readonly note: (line: string) => void;
    readonly settings: BenchSettings;
  }): Promise<BenchRow[]>;
}

export function row(
  name: string,
  value: number,
  unit: string,
  peer?: { readonly name: string; readonly value: number },
): BenchRow {
  const round = (x: number) => Number(x.toPrecision(4));
  if (!peer) return { name, value: round(value), unit, peer: null, peerValue: null, ratio: null };
  return {
    name,
    value: round(value),
    unit,
    peer: peer.name,
    peerValue: round(peer.value),
    ratio: round(value / peer.value),
  };
}

/** The upper median; NaN of no values. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

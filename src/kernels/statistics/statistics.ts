import { kernelOver } from '../kernelBytes.ts';

/** The functions of assembly/, where each is described; pointers are byte offsets into the memory. */
export interface StatisticsKernels {
  addExact(values: number, sums: number, count: number): void;
  addIntegers(sums: number, from: number, bytes: number): void;
  carry(sums: number, bytes: number): void;
  outer(head: number, tail: number, episodes: number, width: number, group: number, sums: number): void;
  range(values: number, rows: number, columns: number, out: number): void;
  moments(actions: number, states: number, rows: number, columns: number, mask: number, out: number): void;
  prepare(
    actions: number,
    states: number,
    used: number,
    have: number,
    length: number,
    columns: number,
    seriesColumns: number,
    mask: number,
    places: number,
    relative: number,
    errorColumns: number,
    series: number,
    increments: number,
    errors: number,
  ): void;
  gram(errors: number, rows: number, columns: number, out: number): void;
  loadSeries(
    first: number,
    firstNext: number,
    second: number,
    secondNext: number,
    length: number,
    order: number,
    real: number,
    imaginary: number,
  ): void;
  fft(real: number, imaginary: number, twiddles: number, length: number): void;
  separate(
    real: number,
    imaginary: number,
    length: number,
    first: number,
    firstImaginary: number,
    firstNext: number,
    second: number,
    secondImaginary: number,
    secondNext: number,
  ): void;
  cross(
    first: number,
    second: number,
    ends: number,
    episodes: number,
    rows: number,
    columns: number,
    sums: number,
  ): void;
  countOne(actions: number, states: number, count: number, table: number): void;
  countFour(actions: number, states: number, count: number, table: number): void;
  tails(
    actions: number,
    states: number,
    count: number,
    horizon: number,
    own: number,
    rows: number,
    counters: number,
    rowCounters: number,
    places: number,
    rowPlaces: number,
  ): void;
}

/** The inner loops of the chunk statistics over `memory`. */
export const statisticsKernels = (memory: WebAssembly.Memory): StatisticsKernels => kernelOver('statistics', memory);

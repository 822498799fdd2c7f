import type { RunCurves } from './readRun.ts';

/** A setting, and its value in each run; null where a run has none. */
export type SettingRow = readonly [name: string, ...values: (string | null)[]];

/** The settings that are not the same in all runs. */
export const differingSettings = (runs: readonly RunCurves[]): SettingRow[] =>
  allSettings(runs).filter(([, ...values]) => values.some((value) => value !== values[0]));

export function allSettings(runs: readonly RunCurves[]): SettingRow[] {
  const names = [...new Set(runs.flatMap(({ settings }) => [...settings.keys()]))];
  return names.map((name) => [name, ...runs.map(({ settings }) => settings.get(name) ?? null)]);
}

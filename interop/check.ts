/** One check: compares, calling `report` once per thing compared; `args` are the options of the command line. */
export type Check = (
  report: (what: string, passed: boolean, detail?: string) => void,
  args?: readonly string[],
) => Promise<void>;

/** Does the jobs of one run on this machine. */
export interface JobSession {
  /** Called for so many jobs at once as there are slots. What it returns goes through JSON. */
  run(argument: unknown, signal: AbortSignal): Promise<unknown>;
  close(): Promise<void>;
}

/** Gets ready for the jobs of one run. @throws ValetError when this machine cannot do them */
export type JobHandler = (settings: unknown, slots: number) => Promise<JobSession>;

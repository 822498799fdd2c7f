import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { JobCoordinator, makeFolder, writeFolderAside } from '../../../base/index.ts';
import { runName, type Unit, unitName } from '../../ledger/index.ts';
import type { Runner } from '../runner.ts';
import { parseRolloutResult, type RecordingFiles, ROLLOUT_JOB, type RolloutRun } from './rolloutJob.ts';

export interface QueueRunnerOptions {
  /** `redis://…` */
  readonly address: string;
  /** The evaluation folder, which only this process writes to. */
  readonly out: string;
  readonly run: RolloutRun;
  readonly onNotice?: ((notice: string) => void) | undefined;
}

/**
 * A runner whose episodes are played by workers on any machine: many at the same time. A unit's attempt is one job
 * under one name, so that an evaluation that is gone on with takes what was played meanwhile.
 * @throws InputError for an address that is none, UnreachableError when no Redis is there
 */
export async function openQueueRunner({ address, out, run, onNotice }: QueueRunnerOptions): Promise<Runner> {
  const announcement = { run: await runName(out), kind: ROLLOUT_JOB, settings: run };
  const jobs = await JobCoordinator.open(address, announcement, { onNotice });
  const processors = new Set([cpus()[0]?.model ?? 'unknown']);
  return {
    notices: [],
    async run(unit, signal, attempt = 1) {
      const name = jobName(unit, attempt);
      const value = await jobs.do(name, unit, signal);
      const { episode, played, cpu, files } = parseRolloutResult(`job ${name} of ${address}`, value);
      if (processors.size < processors.add(cpu).size)
        onNotice?.(`${played.host} has another processor (${cpu}): numbers may be rounded otherwise.`);
      if (files && episode.invalid === undefined) await keep(join(out, 'rollouts', unitName(unit)), files);
      return { ...episode, played };
    },
    booked: (unit, attempt) => jobs.forget(jobName(unit, attempt)),
    close: () => jobs.close(),
  };
}

const jobName = (unit: Unit, attempt: number): string => `${unitName(unit)}.${attempt}`;

/** Writes a recording that came over the queue. */
const keep = (folder: string, files: RecordingFiles): Promise<void> =>
  writeFolderAside(
    folder,
    async (aside) => {
      for (const [path, content] of Object.entries(files)) {
        await makeFolder(dirname(join(aside, path)));
        await writeFile(join(aside, path), Buffer.from(content, 'base64'));
      }
    },
    { replace: true },
  );

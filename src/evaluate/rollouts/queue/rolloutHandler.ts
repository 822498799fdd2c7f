import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { cpus, hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { InputError, type JobHandler, parse, present, requireVersions } from '../../../base/index.ts';
import { contentOf, evaluationVersions, unitName } from '../../ledger/index.ts';
import { describePolicy, type PolicySpec, requireAlike } from '../policySpec.ts';
import type { Runner } from '../runner.ts';
import { threadRunners } from '../workerRunner.ts';
import { type RecordingFiles, type RolloutResult, type RolloutRun, UnitSchema } from './rolloutJob.ts';

export interface RolloutHandlerOptions {
  /** Folders of checkpoints on this machine; an evaluation's is found by its content. */
  readonly checkpoints: readonly string[];
  /** Episodes under way at a time in each thread (1); a checkpoint plans for all of them in one pass. */
  readonly environments?: number | undefined;
  /** For servers that want a key. */
  readonly apiKey?: string | undefined;
  readonly say?: ((line: string) => void) | undefined;
}

/** Plays episodes for evaluations elsewhere, several at once in threads of a few environments each. */
export function rolloutHandler({ checkpoints, environments = 1, apiKey, say }: RolloutHandlerOptions): JobHandler {
  return async (settings, slots) => {
    const { policy: asked, content, versions, record, title, ...rest } = settings as RolloutRun;
    requireVersions(versions, evaluationVersions());
    requireAlike(asked, environments);
    const copies = Math.ceil(slots / environments);
    const policy = await policyHere(asked, content, { checkpoints, apiKey, copies });
    const scratch = record ? await mkdtemp(join(tmpdir(), 'valet-rollouts-')) : undefined;
    const worker = { ...rest, policy, environments, recordTo: scratch };
    const threads = Array.from({ length: copies }, () => threadRunners(worker));
    const free: { number: number; runner: Promise<Runner> }[] = [];
    const all: Promise<Runner>[] = [];
    const told = new Set<string>();
    const start = () => {
      const runner = present(threads[all.length % copies], 'a thread')();
      all.push(runner);
      return { number: all.length - 1, runner };
    };
    const cpu = cpus()[0]?.model ?? 'unknown';
    // What this machine cannot open, it leaves to others.
    const first = start();
    await first.runner;
    free.push(first);
    say?.(`playing ${title}`);
    return {
      async run(argument, signal): Promise<RolloutResult> {
        const unit = parse('job', UnitSchema, argument);
        const mine = free.pop() ?? start();
        try {
          const runner = await mine.runner;
          for (const notice of runner.notices) if (told.size < told.add(notice).size) say?.(notice);
          const started = new Date();
          const episode = await runner.run(unit, signal);
          const seconds = (Date.now() - started.getTime()) / 1000;
          const played = { worker: mine.number, host: hostname(), started: started.toISOString(), seconds };
          const files = scratch === undefined ? undefined : await take(join(scratch, 'rollouts', unitName(unit)));
          return { episode, played, cpu, files };
        } finally {
          await mine.runner.then(
            () => free.push(mine),
            () => undefined,
          );
        }
      },
      async close() {
        await Promise.allSettled(all.map(async (runner) => (await runner).close()));
        if (scratch) await rm(scratch, { recursive: true, force: true });
      },
    };
  };
}

/**
 * The policy as this machine has it.
 * @throws InputError when nothing here has its content
 */
async function policyHere(
  asked: PolicySpec,
  content: RolloutRun['content'],
  { checkpoints, apiKey, copies }: { checkpoints: readonly string[]; apiKey: string | undefined; copies: number },
): Promise<PolicySpec> {
  if (asked.kind === 'remote') return { ...asked, ...(apiKey !== undefined && { apiKey }) };
  const places = asked.kind === 'checkpoint' ? [asked.folder, ...checkpoints] : [undefined];
  const wanted = JSON.stringify(content);
  for (const folder of places) {
    const spec = asked.kind === 'checkpoint' ? { ...asked, folder: folder ?? '', copies } : asked;
    const found = await describePolicy(spec).catch(() => undefined);
    if (found && JSON.stringify(contentOf(found.policy)) === wanted) return spec;
  }
  const name = asked.kind === 'checkpoint' ? asked.folder : asked.kind === 'replay' ? asked.demos : asked.kind;
  throw new InputError(
    'valet worker',
    `${name} is not here with the content that the evaluation names. Copy it to the same place, ` +
      'or name a copy of the checkpoint by --checkpoint.',
  );
}

/** The files of a recording, which is gone afterwards; none where an episode left none. */
async function take(folder: string): Promise<RecordingFiles | undefined> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => undefined);
  if (!entries) return undefined;
  const files: Record<string, string> = {};
  for (const entry of entries.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    files[path.slice(folder.length + 1).replaceAll('\\', '/')] = await readFile(path, 'base64');
  }
  await rm(folder, { recursive: true, force: true });
  return files;
}

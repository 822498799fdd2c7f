import { InputError } from '../../base/index.ts';
import type { RunFile } from '../ledger/index.ts';
import type { PolicySpec } from './policySpec.ts';

/**
 * The policy of an evaluation, from what its run file says of it (`describePolicy`): to go on with it. Whether it is
 * still the same one is checked when the evaluation is gone on with.
 * @param folder whose run file it is @throws InputError for a policy that cannot be had again from its description
 */
export function playedPolicy(folder: string, { fingerprint }: RunFile, apiKey?: string): PolicySpec {
  const { kind, ...words } = fingerprint.policy as { kind?: unknown } & Record<string, unknown>;
  if (kind === 'expert' || kind === 'hold') return { kind };
  if (kind === 'nearest') return { kind, ...only(words, ['demonstrations']) };
  if (kind === 'replay') return { kind, ...only(words, ['demos']) };
  if (kind === 'remote' && typeof words['url'] === 'string')
    return {
      kind,
      url: words['url'],
      ...(apiKey !== undefined && { apiKey }),
      ...only(words, ['chunkSize', 'ablation']),
    };
  if (kind === 'checkpoint' && typeof words['folder'] === 'string') {
    const { folder: at, files: _files, session, ablation, ...planner } = words;
    // Statistics that were let through then are known by their hash now.
    const own = { planner: { ...planner, otherStatistics: true }, session, ablation };
    return { kind, folder: at, ...only(own, ['planner', 'session', 'ablation']) } as PolicySpec;
  }
  throw new InputError(
    folder,
    `cannot be played on: its policy is of kind ${String(kind)}, which lives in a program or was played elsewhere. ` +
      'Give evaluations that valet eval made.',
  );
}

/** The values of these names that are there. */
const only = (words: Readonly<Record<string, unknown>>, names: readonly string[]): object =>
  Object.fromEntries(names.filter((name) => words[name] !== undefined).map((name) => [name, words[name]]));

import type { Policy } from '../../robot/index.ts';
import type { RemoteOptions } from '../../serve/index.ts';
import type { PolicySpec } from './policySpec.ts';

type RemoteSpec = Extract<PolicySpec, { kind: 'remote' }>;

/**
 * A fresh connection to a server. One connection is one robot: a new one for each rollout leaves nothing behind.
 * @throws InputError for an address that is none, ValetError when nobody answers there
 */
export async function connectRemote(
  { url, apiKey }: RemoteSpec,
  seed: string,
  { waitMs = RESTART_MS, onWait, signal }: FirstWait = {},
): Promise<Policy & { readonly seeded: boolean }> {
  const { RemotePolicy } = await import('../../serve/index.ts');
  return RemotePolicy.connect(url, {
    seed,
    healthTimeoutMs: waitMs,
    onWait,
    signal,
    ...(apiKey === undefined ? {} : { apiKey }),
  });
}

/** How an evaluation waits for its server before the first episode. */
export interface FirstWait extends Pick<RemoteOptions, 'onWait' | 'signal'> {
  /** For a server that does not answer; a few seconds when left out. */
  readonly waitMs?: number | undefined;
}

/** How long a server that was there may be gone before an episode is given up. */
const RESTART_MS = 60_000;
/** How long the first connection is tried, unless told. */
const FIRST_MS = 4500;

/** Whether a server draws a session's noise from the seed that its client names: Valet's do, and say so. */
export async function serverTakesSeed(spec: RemoteSpec, wait: FirstWait = {}): Promise<boolean> {
  const policy = await connectRemote(spec, 'probe', { ...wait, waitMs: wait.waitMs ?? FIRST_MS });
  await policy.close();
  return policy.seeded;
}

import type { Policy } from '../../robot/index.ts';
import type { PolicySpec } from './policySpec.ts';

type RemoteSpec = Extract<PolicySpec, { kind: 'remote' }>;

/**
 * A fresh connection to a server. One connection is one robot: a new one for each rollout leaves nothing behind.
 * @throws InputError for an address that is none, ValetError when nobody answers there
 */
export async function connectRemote(
  { url, apiKey }: RemoteSpec,
  seed: string,
): Promise<Policy & { readonly seeded: boolean }> {
  const { RemotePolicy } = await import('../../serve/index.ts');
  return RemotePolicy.connect(url, { seed, ...(apiKey === undefined ? {} : { apiKey }) });
}

/** Whether a server draws a session's noise from the seed that its client names: Valet's do, and say so. */
export async function serverTakesSeed(spec: RemoteSpec): Promise<boolean> {
  const policy = await connectRemote(spec, 'probe');
  await policy.close();
  return policy.seeded;
}

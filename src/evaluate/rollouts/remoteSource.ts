import type { PolicySource } from './policySource.ts';
import type { PolicySpec } from './policySpec.ts';
import { noiseSeed } from './seeds.ts';

type RemoteSpec = Extract<PolicySpec, { kind: 'remote' }>;

async function connect({ url, apiKey }: RemoteSpec, seed: string) {
  const { RemotePolicy } = await import('../../serve/index.ts');
  return RemotePolicy.connect(url, { seed, ...(apiKey === undefined ? {} : { apiKey }) });
}

/** Policies of a server. One connection is one robot, and a fresh one for each rollout leaves nothing behind. */
export function remoteSource(spec: RemoteSpec, imageSize: number): PolicySource {
  return {
    imageSize,
    policyFor: (unit, _household, seed) => connect(spec, noiseSeed(unit, seed)),
    close: async () => {},
  };
}

/**
 * Whether a server draws a session's noise from the seed that its client names: Valet's do, and say so; others do not.
 * @throws InputError for an address that is none, ValetError when nobody answers there
 */
export async function serverTakesSeed(spec: RemoteSpec): Promise<boolean> {
  const policy = await connect(spec, 'probe');
  await policy.close();
  return policy.seeded;
}

import { z } from 'zod';
import type { CodeVersion } from '../../base/index.ts';
import type { CheckpointProvenance } from '../../model/index.ts';
import type { Policy } from '../../robot/index.ts';
import type { RemoteOptions } from '../../serve/index.ts';
import { CheckpointSchema, CodeSchema } from '../ledger/index.ts';
import type { PolicySpec } from './policySpec.ts';

type RemoteSpec = Extract<PolicySpec, { kind: 'remote' }>;

/**
 * A fresh connection to a server. One connection is one robot: a new one for each rollout leaves nothing behind.
 * @throws InputError for an address that is none, ValetError when nobody answers there
 */
export async function connectRemote(
  { url, apiKey, chunkSize }: RemoteSpec,
  seed: string,
  { waitMs = GLANCE_MS, onWait, signal }: ServerWait = {},
): Promise<Policy & { readonly seeded: boolean; readonly metadata: ReadonlyMap<unknown, unknown> }> {
  const { RemotePolicy } = await import('../../serve/index.ts');
  return RemotePolicy.connect(url, {
    seed,
    chunkSize,
    healthTimeoutMs: waitMs,
    onWait,
    signal,
    ...(apiKey === undefined ? {} : { apiKey }),
  });
}

/** How an evaluation waits for its server. */
export interface ServerWait extends Pick<RemoteOptions, 'onWait' | 'signal'> {
  /** For a server that does not answer; a few seconds before the first episode and a minute later when left out. */
  readonly waitMs?: number | undefined;
}

/** How long an episode looks for its server; the evaluation waits once for all of them (`Outage`). */
const GLANCE_MS = 1000;
/** How long the first connection is tried, unless told. */
const FIRST_MS = 4500;

/** What a server says of itself. */
export interface ServerWords {
  /** It draws a session's noise from the seed that its client names, as Valet's do. */
  readonly seeded: boolean;
  /** Which code serves; nothing from servers that do not say. */
  readonly code?: CodeVersion | undefined;
  /** Which checkpoints it serves; nothing from servers that do not say. */
  readonly checkpoints?: readonly CheckpointProvenance[] | undefined;
}

/** Asks a server, by a connection of its own, what it says of itself. Words of another form are as none. */
export async function askServer(spec: RemoteSpec, wait: ServerWait = {}): Promise<ServerWords> {
  const policy = await connectRemote(spec, 'probe', { ...wait, waitMs: wait.waitMs ?? FIRST_MS });
  await policy.close();
  const said = plain(policy.metadata) as Record<string, unknown>;
  return {
    seeded: policy.seeded,
    code: CodeSchema.safeParse(said['code']).data,
    checkpoints: z.array(CheckpointSchema).safeParse(said['checkpoints']).data,
  };
}

/** Maps of the wire as objects. */
function plain(value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, inner]) => [String(key), plain(inner)]));
  return Array.isArray(value) ? value.map(plain) : value;
}

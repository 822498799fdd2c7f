import { UnreachableError, ValetError } from '../../base/index.ts';
import { askServer, type ServerWait, type ServerWords } from './connectRemote.ts';
import type { PolicySpec } from './policySpec.ts';

/** How long a server that was there may be gone, unless told. */
const RESTART_MS = 60_000;

/** What a look at the server found: it is there all the time, it came back, or it stays away. */
export type Found = 'there' | 'back' | 'gone';

/** Waits for a server that went away: once for all who miss it. */
export class Outage {
  private looking: Promise<Found> | undefined;
  /** Why it was given up. */
  reason = '';

  /** @param look waits for the server; `away` is called when it does not answer at once */
  constructor(private readonly look: (away: () => void) => Promise<void>) {}

  /** While somebody waits already, the same wait. @throws ValetError (interrupted) at the signal */
  wait(): Promise<Found> {
    this.looking ??= this.once().finally(() => {
      this.looking = undefined;
    });
    return this.looking;
  }

  /** The wait under way, if there is one: nothing new begins before it is over. */
  get underWay(): Promise<Found> | undefined {
    return this.looking;
  }

  private async once(): Promise<Found> {
    let away = false;
    try {
      await this.look(() => {
        away = true;
      });
      return away ? 'back' : 'there';
    } catch (error) {
      if (error instanceof ValetError && error.kind === 'interrupted') throw error;
      this.reason = (error as Error).message;
      return 'gone';
    }
  }
}

/** The outages of a policy behind an address; one that comes back with other checkpoints stays away. */
export function serverOutage(
  spec: Extract<PolicySpec, { kind: 'remote' }>,
  before: ServerWords,
  { waitMs = RESTART_MS, onWait, signal }: ServerWait,
): Outage {
  const hashes = ({ checkpoints }: ServerWords) => checkpoints?.map(({ hash }) => hash).join() ?? 'none told';
  return new Outage(async (away) => {
    const words = await askServer(spec, {
      waitMs,
      signal,
      onWait: (...told) => {
        away();
        onWait?.(...told);
      },
    });
    if (hashes(words) !== hashes(before))
      throw new UnreachableError(
        spec.url,
        `another checkpoint answers there now (${hashes(words)}, before ${hashes(before)}).`,
      );
  });
}

import type { ClientPlace } from './clientPlace.ts';
import type { ObservationPrint } from './observationPrint.ts';
import type { OpenSession } from './openSession.ts';

export interface LostSessionsOptions {
  readonly keepMs: number;
  /** The most of them; the oldest go first. */
  readonly most: number;
  readonly onCount?: (count: number) => void;
  /** Nobody came back for it. */
  readonly onOver: (session: OpenSession) => void;
}

/** Sessions whose connection was lost, the oldest first. They wait for their client for a time. */
export class LostSessions {
  private readonly lost = new Map<OpenSession, NodeJS.Timeout>();

  constructor(private readonly options: LostSessionsOptions) {}

  keep(session: OpenSession): void {
    const { keepMs, most, onCount } = this.options;
    const timer = setTimeout(() => this.drop(session), keepMs);
    timer.unref();
    this.lost.set(session, timer);
    const [oldest] = this.lost.keys();
    if (this.lost.size > most && oldest) this.drop(oldest);
    onCount?.(this.lost.size);
  }

  /** The session is not lost any more. @returns whether it was */
  take(session: OpenSession): boolean {
    clearTimeout(this.lost.get(session));
    const was = this.lost.delete(session);
    this.options.onCount?.(this.lost.size);
    return was;
  }

  byId(id: string): OpenSession | undefined {
    return [...this.lost.keys()].find((session) => session.id === id);
  }

  /**
   * Those that a client without an id may have lost: the newest first. Alone on its port, any at the port is; on a port
   * that others use too, one from the client's own address.
   */
  at({ port, address, key, query }: ClientPlace, othersOnPort: number): OpenSession[] {
    const here = [...this.lost.keys()].filter(
      ({ id, place }) => id === undefined && place.port === port && place.key === key && place.query === query,
    );
    const isShared = othersOnPort > 0 || here.length > 1;
    return here.filter(({ place }) => !isShared || place.address === address).reverse();
  }

  /** Gives the session up. */
  drop(session: OpenSession): void {
    if (this.take(session)) this.options.onOver(session);
  }

  clear(): void {
    for (const session of [...this.lost.keys()]) this.drop(session);
  }
}

/**
 * Which of several lost sessions an observation goes on with: the one that saw it last, else the one whose last
 * observation is the nearest. Of equals, the first.
 */
export function sessionOf(
  prints: readonly ObservationPrint[],
  sessions: readonly OpenSession[],
): OpenSession | undefined {
  const fitting = sessions.filter((session) => session.fits(prints));
  const known = fitting.find((session) => session.saw(prints));
  if (known) return known;
  const distances = fitting.map((session) => session.distanceTo(prints));
  return fitting[distances.indexOf(Math.min(...distances))];
}

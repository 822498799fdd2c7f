import type { ClientPlace } from './clientPlace.ts';
import type { Connection } from './connection.ts';
import { LostSessions, sessionOf } from './lostSessions.ts';
import type { ObservationPrint } from './observationPrint.ts';
import type { OpenSession } from './openSession.ts';

/** How long a client whose observation another one sends again has to show that it is there. */
const SIGN_MS = 1000;
/** The most of them that are asked. */
const MOST_ASKED = 4;

export interface SessionBookOptions {
  /** How long a lost session waits for its client; 0: not at all. */
  readonly keepMs: number;
  readonly most: number;
  readonly onLost: (count: number) => void;
}

/**
 * Which sessions there are: those that are held by a connection, and those whose connection was lost. Official clients
 * connect again to the same port, without an id and without a reset, and send the observation again that was not
 * answered; here it is found out whose it is.
 */
export class SessionBook {
  private readonly held = new Set<OpenSession>();
  private readonly lost: LostSessions;
  private closing = false;

  constructor(private readonly options: SessionBookOptions) {
    const { keepMs, most, onLost } = options;
    const onOver = (session: OpenSession) => void end(session);
    this.lost = new LostSessions({ keepMs, most, onCount: onLost, onOver });
  }

  /** Robots of the sessions that are held. */
  get robots(): number {
    return [...this.held].reduce((sum, { robots }) => sum + robots.size, 0);
  }

  /** `connection` is the session's from now on. */
  hold(session: OpenSession, connection: Connection): void {
    session.connection = connection;
    session.caller.comeBack();
    this.held.add(session);
  }

  /** The session's connection has closed; `isLost`: its client may come back. */
  release(session: OpenSession, isLost: boolean): void {
    const settled = session.connection?.idle() ?? Promise.resolve();
    session.connection = undefined;
    session.settled = settled;
    this.held.delete(session);
    const waits = !this.closing && this.options.keepMs > 0;
    if (!waits || !(session.id !== undefined || (isLost && session.robots.isBegun))) {
      void end(session);
      return;
    }
    session.caller.leave();
    this.lost.keep(session);
    void settled.then(() => session.connection ?? session.robots.rest());
  }

  /**
   * The session of that id, taken from a connection that still seems to live if need be; when it is still there. The
   * caller must hold it at once.
   */
  async resume(id: string): Promise<OpenSession | undefined> {
    const holder = [...this.held].find((session) => session.id === id);
    await holder?.connection?.cutOff();
    const session = this.lost.byId(id);
    if (session) this.lost.take(session);
    return session;
  }

  /**
   * The session that a client goes on with whose first message is an observation; undefined when it begins one. The
   * caller must hold it at once.
   */
  async takeUp(place: ClientPlace, prints: readonly ObservationPrint[]): Promise<OpenSession | undefined> {
    await this.cutOffTheDead(place, prints);
    const candidates = this.lost.at(place, this.othersAt(place));
    const session = sessionOf(prints, candidates);
    if (session) {
      // A plan under way is its own; for anything else than the same again it would wait behind its own ghost.
      if (!session.saw(prints)) session.caller.giveUp();
      this.lost.take(session);
      return session;
    }
    this.leave(place, candidates);
    return undefined;
  }

  /** A client begins anew, with a reset or in another task: what was lost alone on its port is over. */
  begun(place: ClientPlace): void {
    this.leave(place, this.lost.at(place, this.othersAt(place)));
  }

  /** Ends all that is lost; sessions that are released from now on are over. */
  close(): void {
    this.closing = true;
    this.lost.clear();
  }

  /** No plan under way is waited for any longer. */
  giveUp(): void {
    for (const { caller } of this.held) caller.end();
  }

  private leave(place: ClientPlace, [session, ...others]: readonly OpenSession[]): void {
    if (session && others.length === 0 && this.othersAt(place) === 0) this.lost.drop(session);
  }

  private othersAt({ port }: ClientPlace): number {
    return [...this.held].filter(({ place }) => place.port === port).length;
  }

  /**
   * Connections that the server takes for open may be lost as well: those that close already, and one whose robot's
   * last observation is sent again while it answers no ping.
   */
  private async cutOffTheDead({ port, address, key }: ClientPlace, prints: readonly ObservationPrint[]): Promise<void> {
    const suspects = [...this.held].filter(
      ({ id, place }) => id === undefined && place.port === port && place.address === address && place.key === key,
    );
    const closing = suspects.filter(({ connection }) => connection?.isOpen === false);
    await Promise.all(closing.map(({ connection }) => connection?.cutOff()));
    const twins = suspects.filter((session) => session.connection?.isOpen && session.saw(prints)).slice(-MOST_ASKED);
    await Promise.all(
      twins.map(async ({ connection }) => {
        if (connection && !(await connection.isAlive(SIGN_MS))) await connection.cutOff();
      }),
    );
  }
}

async function end(session: OpenSession): Promise<void> {
  session.caller.end();
  await session.settled;
  await session.robots.close();
}

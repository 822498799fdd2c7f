import { randomBytes } from 'node:crypto';
import type { Caller } from '../planners/index.ts';
import type { ClientPlace } from './clientPlace.ts';
import type { Connection } from './connection.ts';
import { type ObservationPrint, samePrints } from './observationPrint.ts';
import type { RobotSession } from './robotSession.ts';

export interface OpenSessionOptions {
  /** Its name in logs, metrics and recordings; no secret. */
  readonly name: string;
  readonly place: ClientPlace;
  readonly robots: RobotSession;
  /** Given to clients that asked for a session to resume by its id. Who has it has the session. */
  readonly id?: string | undefined;
}

/** A robot's session for as long as its client is there, or may come back. */
export class OpenSession {
  readonly name: string;
  readonly place: ClientPlace;
  readonly robots: RobotSession;
  readonly id: string | undefined;
  /** Absent while its connection is lost. */
  connection: Connection | undefined;
  /** Settles when no message of a lost connection is worked on any more. */
  settled: Promise<void> = Promise.resolve();

  constructor({ name, place, robots, id }: OpenSessionOptions) {
    this.name = name;
    this.place = place;
    this.robots = robots;
    this.id = id;
  }

  /** An id that nobody can guess: 128 random bits. */
  static newId(): string {
    return randomBytes(16).toString('base64url');
  }

  /** Who waits for its plans. */
  get caller(): Caller {
    return this.robots.caller;
  }

  /** Whether `prints` may be an observation of its robots: as many, and none in another task. */
  fits(prints: readonly ObservationPrint[]): boolean {
    const mine = this.robots.prints;
    if (!mine) return true;
    return (
      mine.length === prints.length &&
      mine.every(({ taskId }, row) => {
        const other = prints[row]?.taskId ?? -1;
        return taskId === -1 || other === -1 || taskId === other;
      })
    );
  }

  /** Whether `prints` are its last observation. */
  saw(prints: readonly ObservationPrint[]): boolean {
    const mine = this.robots.prints;
    return mine !== undefined && samePrints(mine, prints);
  }

  /** How far `prints` are from its last observation; infinite when it has none in this episode. */
  distanceTo(prints: readonly ObservationPrint[]): number {
    const mine = this.robots.prints;
    if (!mine) return Number.POSITIVE_INFINITY;
    return mine.reduce((sum, print, row) => sum + print.distanceTo(prints[row] as ObservationPrint), 0);
  }
}

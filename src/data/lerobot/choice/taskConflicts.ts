import type { Episode } from '../dataset.ts';

/** What a contradiction is about. */
export type ConflictKind =
  | 'rows' // the rows against the index, or against each other
  | 'folder' // the sentence against the folder's number
  | 'name' // a number against a name of the challenge
  | 'unlisted' // a number that the list of tasks does not have
  | 'nameless' // nothing names a task
  | 'shared'; // two tasks of one set under one number

/** What says different things about the task of episodes. */
export interface TaskConflict {
  readonly kind: ConflictKind;
  /** What says what, and which holds. */
  readonly message: string;
  /** Training refuses it: no rule says what is meant. */
  readonly open: boolean;
  /** The first episode that it is about. */
  readonly episode: Episode | undefined;
}

/** Collects what contradicts; the same about many episodes is told once. */
export class TaskConflicts {
  private readonly found = new Map<string, { kind: ConflictKind; open: boolean; what: string; episodes: Episode[] }>();

  add(kind: ConflictKind, open: boolean, episode: Episode | undefined, what: string): void {
    const key = `${kind} ${what}`;
    const entry = this.found.get(key) ?? { kind, open, what, episodes: [] };
    this.found.set(key, entry);
    if (episode) entry.episodes.push(episode);
  }

  all(): TaskConflict[] {
    return [...this.found.values()].map(({ kind, open, what, episodes }) => {
      const [episode, ...others] = episodes;
      const more = others.length === 0 ? '' : ` So it is with ${others.length} more.`;
      const who = episode && `episode ${episode.index}`;
      return { kind, open, episode, message: `${sentenceOf(kind, what, who)}${more}` };
    });
  }
}

function sentenceOf(kind: ConflictKind, what: string, who: string | undefined): string {
  if (kind === 'nameless')
    return `nothing names the task of ${who} (its sentence is ${JSON.stringify(what)}). List it in meta/.`;
  if (kind === 'unlisted') return `${who} belongs to task ${what}, which is not in the list of tasks.`;
  return who === undefined ? `${what}.` : `${who}: ${what}.`;
}

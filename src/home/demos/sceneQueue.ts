/** A scene to play: which task, and its number among those of the task. */
export interface Scene {
  readonly task: number;
  readonly number: number;
  /**
   * Says how many episodes the scene gave, and waits until those before it have said so.
   * @returns the place of its episodes among the task's; undefined when the task has all that it needs
   */
  place(episodes: number): Promise<{ readonly from: number; readonly count: number } | undefined>;
}

/** After so many scenes in a row that gave nothing, a task is given up. */
export const GIVE_UP = 30;

interface TaskState {
  given: number;
  episodes: number;
  empty: number;
  last: Promise<void>;
}

/**
 * Hands out scenes until every task has its episodes, however many each scene gives. Episodes are numbered in the order
 * of the scenes, so that the result does not depend on who plays which scene and when; what was played beyond the last
 * is dropped.
 */
export class SceneQueue {
  private readonly tasks: readonly TaskState[];

  /** @param mostScenes scenes of a task, at most */
  constructor(
    tasks: number,
    private readonly wanted: number,
    private readonly mostScenes = Number.POSITIVE_INFINITY,
  ) {
    this.tasks = Array.from({ length: tasks }, () => ({ given: 0, episodes: 0, empty: 0, last: Promise.resolve() }));
  }

  /** The next scene, of the task that is farthest behind; undefined when no more is needed. */
  take(): Scene | undefined {
    let task = -1;
    for (const [i, state] of this.tasks.entries())
      if (this.open(state) && (task < 0 || this.done(state) < this.done(this.tasks[task] as TaskState))) task = i;
    const state = this.tasks[task];
    if (!state) return undefined;
    const number = state.given++;
    const before = state.last;
    let pass = () => {};
    state.last = new Promise((resolve) => {
      pass = resolve;
    });
    const place = async (episodes: number) => {
      await before;
      try {
        if (!this.lacks(state)) return undefined;
        state.empty = episodes === 0 ? state.empty + 1 : 0;
        const from = state.episodes;
        const count = Math.min(episodes, this.wanted - from);
        state.episodes += count;
        return { from, count };
      } finally {
        pass();
      }
    };
    return { task, number, place };
  }

  /** Episodes that a task lacks. */
  missing(task: number): number {
    return this.wanted - (this.tasks[task]?.episodes ?? 0);
  }

  private lacks(state: TaskState): boolean {
    return state.episodes < this.wanted && state.empty < GIVE_UP;
  }

  private open(state: TaskState): boolean {
    return this.lacks(state) && state.given < this.mostScenes;
  }

  /** How far a task is, as far as it is known; scenes under way count a little. */
  private done(state: TaskState): number {
    return state.episodes + state.given / 1e9;
  }
}
